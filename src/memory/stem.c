// SPDX-License-Identifier: MIT
#include "memory/stem.h"

#include <libstemmer.h>
#include <pthread.h>

/* A stemmer keeps its working word inside itself, so each thread has its own until it ends. */
static pthread_key_t stemmer_key;
static pthread_once_t stemmer_once = PTHREAD_ONCE_INIT;

static void stemmer_done(void *p) { sb_stemmer_delete(p); }

static void stemmer_key_init(void) {
        if (pthread_key_create(&stemmer_key, stemmer_done))
                abort();
}

static struct sb_stemmer *stemmer_get(void) {
        (void)pthread_once(&stemmer_once, stemmer_key_init);
        struct sb_stemmer *s = pthread_getspecific(stemmer_key);
        if (!s) {
                s = sb_stemmer_new("english", "UTF_8");
                if (!s || pthread_setspecific(stemmer_key, s))
                        abort();
        }
        return s;
}

Str stem_english(Str word, char out[STEM_MAX]) {
        assert(word.n <= STEM_MAX);
        struct sb_stemmer *s = stemmer_get();
        const sb_symbol *stem = sb_stemmer_stem(s, (const sb_symbol *)word.p, (int)word.n);
        size_t n = stem ? (size_t)sb_stemmer_length(s) : 0;
        /* out of memory inside the library: the word as it is */
        if (!stem || n > STEM_MAX) {
                memmove(out, word.p, word.n);
                return str_n(out, word.n);
        }
        memcpy(out, stem, n);
        return str_n(out, n);
}
