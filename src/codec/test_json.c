// SPDX-License-Identifier: MIT
#include "base/test_ctx.h"

#include <math.h>

#include "codec/json.h"

typedef struct Pet {
        Str name;
        int64_t age;
} Pet;
static const Shape pet_shape = SHAPE(Pet,
        F_STR(Pet, name, F_REQ, .min = 1, .max = 8),
        F_INT(Pet, age, 0, .min = 0, .max = 30, .def = 3));

typedef struct Person {
        Str name, kind, note, secret, meta;
        int64_t size, born_at;
        double weight;
        bool active;
        OptInt rank;
        OptNum score;
        OptBool agreed;
        Strs tags;
        const Pet *pet;
        List pets;
} Person;
static const Shape person_shape = SHAPE(Person,
        F_STR(Person, name, F_REQ, .min = 1, .max = 4),
        F_STR(Person, kind, F_LOWER, .one_of = "cat|dog"),
        F_STR(Person, note, F_NULL | F_CLEAR | F_BLANK),
        F_STR(Person, secret, F_SECRET),
        F_JSON(Person, meta, 0, .max = 40, .one_of = "object|array"),
        F_INT(Person, size, 0, .min = 1, .max = 100, .def = 20),
        F_TIME(Person, born_at, F_NULL),
        F_NUM(Person, weight, 0, .def = 1.5),
        F_BOOL(Person, active, 0, .def = 1),
        F_OINT(Person, rank, F_NULL),
        F_ONUM(Person, score, 0),
        F_OBOOL(Person, agreed, F_NULL),
        F_STRS(Person, tags, F_CLEAR, .max = 3, .item_max = 3),
        F_OBJ(Person, pet, 0, .sub = &pet_shape),
        F_LIST(Person, pets, 0, .sub = &pet_shape, .max = 2));

typedef struct Open {
        int64_t n;
} Open;
static const Shape open_shape = SHAPE_OPEN(Open, F_INT(Open, n, 0));

static void test_read_all(void **state) {
        Ctx *cx = *state;
        Person p = { 0 };
        assert_ok(json_read(
                cx,
                STR("{\"name\":\"\\u00c4nn\",\"kind\":\"DOG\",\"note\":\"a\\u0007b\","
                    "\"secret\":\"s\","
                    "\"meta\":{ \"b\" : [1, 2.5, 0.1, null, true] },\"size\":100,"
                    "\"born_at\":\"2026-01-15T12:00:00+01:00\",\"weight\":2,\"active\":false,"
                    "\"rank\":-5,\"score\":1e3,\"agreed\":false,\"tags\":[\"a\","
                    "\"\\u00e4\\u00f6\\u00fc\"],"
                    "\"pet\":{\"name\":\"Rex\"},\"pets\":[{\"name\":\"A\","
                    "\"age\":1},{\"name\":\"B\"}]}"),
                &person_shape, &p));
        assert_str(p.name, "\xC3\x84nn");
        assert_str(p.kind, "dog");
        assert_str(p.note, "a\ab");
        assert_str(p.meta, "{\"b\":[1,2.5,0.1,null,true]}");
        assert_int_equal(p.size, 100);
        assert_int_equal(p.born_at, INT64_C(1768474800000));
        assert_true(p.weight == 2.0 && !p.active);
        assert_true(p.rank.has && p.rank.v == -5);
        assert_true(p.score.has && p.score.v == 1000.0);
        assert_true(p.agreed.has && !p.agreed.v);
        assert_int_equal(p.tags.n, 2);
        assert_str(p.tags.v[1], "\xC3\xA4\xC3\xB6\xC3\xBC");
        assert_str(p.pet->name, "Rex");
        assert_int_equal(p.pet->age, 3);
        assert_int_equal(p.pets.n, 2);
        assert_int_equal(((const Pet *)p.pets.v)[0].age, 1);
        assert_str(((const Pet *)p.pets.v)[1].name, "B");
}

static void test_read_absent_and_null(void **state) {
        Ctx *cx = *state;
        Person p = { 0 };
        assert_ok(json_read(cx, STR("{\"name\":\"A\"}"), &person_shape, &p));
        assert_null(p.note.p);
        assert_null(p.tags.v);
        assert_null(p.pet);
        assert_null(p.pets.v);
        assert_int_equal(p.size, 20);
        assert_true(p.weight == 1.5 && p.active && !p.rank.has && !p.born_at);
        assert_ok(json_read(cx,
                            STR("{\"name\":\"A\",\"note\":null,\"tags\":null,\"rank\":null,"
                                "\"born_at\":null}"),
                            &person_shape, &p));
        assert_non_null(p.note.p);
        assert_int_equal(p.note.n, 0);
        assert_non_null(p.tags.v);
        assert_int_equal(p.tags.n, 0);
        assert_false(p.rank.has);
}

/* What is wrong, and the pointers that must be named, in order. */
static const struct {
        const char *body, *pointers;
} wrong[] = {
        { "[]", "#" },
        { "{}", "#/name" },
        { "{\"name\":\"\"}", "#/name" },
        { "{\"name\":\"abcde\"}", "#/name" },
        { "{\"name\":null}", "#/name" },
        { "{\"name\":1}", "#/name" },
        { "{\"name\":\"a\\u0001\"}", "#/name" },
        { "{\"name\":\"a\\u007f\"}", "#/name" },
        { "{\"name\":\"a\\u0000\"}", "#/name" },
        { "{\"name\":\"a\",\"tags\":[\"a\",\"\\u0000\"]}", "#/tags/1" },
        { "{\"name\":\"a\",\"meta\":{\"k\":[{\"l\":\"\\u0000\"}]}}", "#/meta" },
        { "{\"name\":\"a\",\"kind\":\"fish\"}", "#/kind" },
        { "{\"name\":\"a\",\"size\":0}", "#/size" },
        { "{\"name\":\"a\",\"size\":101}", "#/size" },
        { "{\"name\":\"a\",\"size\":1.0}", "#/size" },
        { "{\"name\":\"a\",\"size\":\"1\"}", "#/size" },
        { "{\"name\":\"a\",\"size\":true}", "#/size" },
        { "{\"name\":\"a\",\"weight\":\"x\"}", "#/weight" },
        { "{\"name\":\"a\",\"active\":1}", "#/active" },
        { "{\"name\":\"a\",\"born_at\":\"yesterday\"}", "#/born_at" },
        { "{\"name\":\"a\",\"born_at\":17}", "#/born_at" },
        { "{\"name\":\"a\",\"tags\":[\"a\",\"b\",\"c\",\"d\"]}", "#/tags" },
        { "{\"name\":\"a\",\"tags\":[\"a\",1,\"abcd\"]}", "#/tags/1 #/tags/2" },
        { "{\"name\":\"a\",\"tags\":\"a\"}", "#/tags" },
        { "{\"name\":\"a\",\"meta\":\"text\"}", "#/meta" },
        { "{\"name\":\"a\",\"meta\":{\"k\":\"0123456789012345678901234567890123456789\"}}",
          "#/meta" },
        { "{\"name\":\"a\",\"pet\":[]}", "#/pet" },
        { "{\"name\":\"a\",\"pet\":{\"age\":31}}", "#/pet/name #/pet/age" },
        { "{\"name\":\"a\",\"pets\":[{\"name\":\"x\"},{\"nome\":\"y\"}]}",
          "#/pets/1/name #/pets/1/nome" },
        { "{\"name\":\"a\",\"pets\":[{\"name\":\"x\"},{\"name\":\"y\"},{\"name\":\"z\"}]}",
          "#/pets" },
        { "{\"name\":\"a\",\"is_admin\":true,\"a/b~c d\":1}", "#/is_admin #/a~1b~0c%20d" },
        { "{\"name\":\"a\",\"size\":99999999999999999999}", "#" },
        { "{\"name\":\"a\",\"weight\":1e400}", "#" },
};

static void test_read_wrong(void **state) {
        Ctx *cx = *state;
        for (size_t i = 0; i < ELEMENTSOF(wrong); i++) {
                Person p = { .size = 77 };
                err_clear(cx);
                assert_err(json_read(cx, str_c(wrong[i].body), &person_shape, &p), ERR_INVALID);
                assert_int_equal(p.size, 77); /* outputs only on success */
                Buf got = BUF(1024);
                for (FieldErr *e = cx->err.fields; e; e = e->next) {
                        buf_add(&got, e->pointer);
                        if (e->next)
                                buf_addc(&got, ' ');
                }
                assert_string_equal(buf_str(&got).p, wrong[i].pointers);
                buf_done(&got);
        }
}

typedef struct Composed {
        Str text;
} Composed;
static const Shape composed_shape =
        SHAPE(Composed, F_STR(Composed, text, F_REQ | F_NFC, .min = 1, .max = 2));

static void test_read_composed(void **state) {
        static const struct {
                const char *body, *text; /* text NULL: too long */
        } cases[] = {
                { "{\"text\":\"a\\u0308o\\u0308\"}", "\xC3\xA4\xC3\xB6" },
                { "{\"text\":\"a\\u0308o\\u0308u\"}", NULL },
                { "{\"text\":\"\\u00e4\\u00f6\"}", "\xC3\xA4\xC3\xB6" },
                /* some are longer in normal form: U+0958 is two there */
                { "{\"text\":\"\\u0958\"}", "\xE0\xA4\x95\xE0\xA4\xBC" },
                { "{\"text\":\"\\u0958x\"}", NULL },
                { "{\"text\":\"ab\"}", "ab" },
        };
        Ctx *cx = *state;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                Composed c = { 0 };
                err_clear(cx);
                Err e = json_read(cx, str_c(cases[i].body), &composed_shape, &c);
                assert_int_equal(e, cases[i].text ? OK : ERR_INVALID);
                assert_true(str_eq_c(c.text, cases[i].text));
        }
}

static void test_read_at_most_16(void **state) {
        Ctx *cx = *state;
        Buf body = BUF(4096);
        buf_add(&body, STR("{\"name\":\"a\""));
        for (int i = 0; i < 40; i++)
                buf_addf(&body, ",\"x%d\":1", i);
        buf_addc(&body, '}');
        Person p;
        assert_err(json_read(cx, buf_str(&body), &person_shape, &p), ERR_INVALID);
        size_t n = 0;
        for (FieldErr *e = cx->err.fields; e; e = e->next)
                n++;
        assert_int_equal(n, 16);
        buf_done(&body);
}

static void test_read_not_json(void **state) {
        Ctx *cx = *state;
        static const Str bad[] = {
                STR(""),
                STR(" "),
                STR("{"),
                STR("{\"n\":1}x"),
                STR("{\"n\":1,\"n\":2}"),
                STR("{'n':1}"),
                STR("{\"n\":1,}"),
                STR("{\"n\":01}"),
                STR("{\"n\":+1}"),
                STR("{\"n\":NaN}"),
                STR("{\"n\":\"\xff\"}"),
                STR("{\"n\":\"\xed\xa0\x80\"}"),
                STR("{\"n\":\"\\ud800\"}"),
                STR("{\"n\":\"a\0b\"}"),
                STR("{\"\\u0000\":1}"),
                STR("{\"n\":1}\0"),
                STR("\xef\xbb\xbf{}"),
                STR("{\"n\":\"a\nb\"}"),
                STR("{\"n\":1} // x"),
        };
        for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
                Open o = { 0 };
                err_clear(cx);
                assert_err(json_read(cx, bad[i], &open_shape, &o), ERR_BAD_JSON);
        }
        assert_err(json_read(cx, STR_NULL, &open_shape, &(Open){ 0 }), ERR_BAD_JSON);
}

static void test_read_open(void **state) {
        Ctx *cx = *state;
        Open o = { 0 };
        assert_ok(json_read(cx, STR("{\"other\":[{}],\"n\":5}"), &open_shape, &o));
        assert_int_equal(o.n, 5);
}

static Str nested(Buf *b, int depth) {
        buf_clear(b);
        buf_add(b, STR("{\"x\":"));
        for (int i = 1; i < depth; i++)
                buf_addc(b, '[');
        for (int i = 1; i < depth; i++)
                buf_addc(b, ']');
        if (depth == 1)
                buf_addc(b, '1');
        buf_addc(b, '}');
        return buf_str(b);
}

static void test_depth(void **state) {
        Ctx *cx = *state;
        Buf b = BUF(1 << 20);
        Open o = { 0 };
        assert_ok(json_read(cx, nested(&b, JSON_DEPTH_MAX), &open_shape, &o));
        assert_err(json_read(cx, nested(&b, JSON_DEPTH_MAX + 1), &open_shape, &o), ERR_BAD_JSON);
        assert_err(json_read(cx, nested(&b, 100000), &open_shape, &o), ERR_BAD_JSON);
        /* brackets inside of strings do not count */
        assert_ok(json_read(cx,
                            STR("{\"x\":\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["
                                "[[[[[[[[\\\"[[[[[[\"}"),
                            &open_shape, &o));
        Json *j;
        assert_err(json_parse(cx, STR("[[[1]]]"), 2, &j), ERR_BAD_JSON);
        buf_done(&b);
}

static void test_write(void **state) {
        static const Str tags[] = { STR("a\"b"), STR("") };
        static const Pet pets[] = { { STR("A"), 1 }, { STR("B"), 2 } };
        Person p = {
                .name = STR("Ann"),
                .meta = STR("{\"k\":[1]}"),
                .size = -3,
                .born_at = INT64_C(1768474800001),
                .weight = 0.1,
                .rank = { true, INT64_MIN },
                .score = { true, 12.0 },
                .tags = { tags, 2 },
                .pet = &pets[0],
                .pets = { pets, 2 },
        };
        Buf b = BUF(4096);
        json_write(&b, &person_shape, &p);
        assert_string_equal(
                buf_str(&b).p,
                "{\"name\":\"Ann\",\"note\":null,\"meta\":{\"k\":[1]},\"size\":-3,"
                "\"born_at\":\"2026-01-15T11:00:00.001Z\",\"weight\":0.1,\"active\":false,"
                "\"rank\":-9223372036854775808,\"score\":12,\"agreed\":null,"
                "\"tags\":[\"a\\\"b\",\"\"],"
                "\"pet\":{\"name\":\"A\",\"age\":1},\"pets\":[{\"name\":\"A\",\"age\":1},"
                "{\"name\":\"B\",\"age\":2}]}");
        buf_clear(&b);
        json_write_list(&b, &pet_shape, (List){ pets, 1 });
        json_write_list(&b, &pet_shape, (List){ NULL, 0 });
        assert_string_equal(buf_str(&b).p, "[{\"name\":\"A\",\"age\":1}][]");
        buf_clear(&b);
        json_write(&b, &pet_shape, &(Pet){ 0 }); /* required and absent: the empty value */
        assert_string_equal(buf_str(&b).p, "{\"name\":\"\",\"age\":0}");
        buf_done(&b);
        Buf small = BUF(10);
        json_write(&small, &pet_shape, &pets[0]);
        assert_true(small.full);
        buf_done(&small);
}

static void test_write_str(void **state) {
        static const struct {
                Str in;
                const char *out;
        } cases[] = {
                { STR_NULL, "\"\"" },
                { STR("plain text of more than eight bytes"),
                  "\"plain text of more than eight bytes\"" },
                { STR("\"\\/\b\f\n\r\t\x01\x1f\x7f"),
                  "\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\"" },
                { STR("12345678\n"), "\"12345678\\n\"" },
                { STR("1234567\n12345678"), "\"1234567\\n12345678\"" },
                { STR("a\0b"), "\"a\\u0000b\"" },
                { STR("\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80"),
                  "\"\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80\"" },
                { STR("\xC3"), "\"\xEF\xBF\xBD\"" },
                { STR("\x80z\xFFz\xC0\xAF"),
                  "\"\xEF\xBF\xBDz\xEF\xBF\xBDz\xEF\xBF\xBD\xEF\xBF\xBD\"" },
                { STR("\xE2\x82z"), "\"\xEF\xBF\xBD\xEF\xBF\xBDz\"" },
        };
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                Buf b = BUF(256);
                json_write_str(&b, cases[i].in);
                assert_string_equal(buf_str(&b).p, cases[i].out);
                buf_done(&b);
        }
}

static void test_write_num(void **state) {
        static const struct {
                double v;
                const char *text;
        } cases[] = {
                { 0, "0" },
                { -0.0, "0" },
                { 12, "12" },
                { -1.5, "-1.5" },
                { 0.1, "0.1" },
                { 0.1 + 0.2, "0.30000000000000004" },
                { 1e-6, "0.000001" },
                { -0.000001, "-0.000001" },
                { 1e-7, "1e-07" },
                { 123456.789012, "123456.789012" },
                { 1e15, "1e+15" },
                { 1e21, "1e+21" },
                { 5e-324, "4.94065645841247e-324" },
                { 1.7976931348623157e308, "1.7976931348623157e+308" },
                { INFINITY, "null" },
                { NAN, "null" },
                { 9007199254740993.0, "9007199254740992" },
                { 0.3, "0.3" },
        };
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                Buf b = BUF(64);
                json_write_num(&b, cases[i].v);
                assert_string_equal(buf_str(&b).p, cases[i].text);
                buf_done(&b);
        }
        TestWorld w = TEST_WORLD(0);
        for (int i = 0; i < 20000; i++) { /* whatever is written reads back as the same number */
                double v, back;
                w.world.random(&w.world, &v, sizeof v);
                if (i % 2)
                        v = (double)(int64_t)(v * 1e4) / 1e4;
                if (!isfinite(v))
                        continue;
                Buf b = BUF(64);
                json_write_num(&b, v);
                back = strtod(buf_str(&b).p, NULL);
                assert_true(back == v);
                buf_done(&b);
        }
}

static void test_foreign(void **state) {
        Ctx *cx = *state;
        _cleanup_(json_freep) Json *j = NULL;
        assert_ok(json_parse(cx,
                             STR("{\"s\":\"x\",\"i\":7,\"f\":7.0,\"b\":true,\"n\":null,"
                                 "\"a\":[1,{\"k\":\"v\"}]}"),
                             8, &j));
        JsonRef root = json_root(j);
        assert_int_equal(json_kind(root), JSON_OBJ);
        assert_int_equal(json_count(root), 6);
        assert_str(json_str(json_get(root, "s")), "x");
        assert_null(json_str(json_get(root, "i")).p);
        assert_int_equal(json_int(json_get(root, "i"), -1), 7);
        assert_int_equal(json_int(json_get(root, "f"), -1), -1);
        assert_true(json_num(json_get(root, "i"), 0) == 7.0);
        assert_true(json_bool(json_get(root, "b"), false));
        assert_int_equal(json_kind(json_get(root, "n")), JSON_NULL);
        assert_int_equal(json_kind(json_get(root, "zzz")), JSON_ABSENT);
        JsonRef a = json_get(root, "a");
        assert_str(json_str(json_get(json_at(a, 1), "k")), "v");
        assert_int_equal(json_kind(json_at(a, 2)), JSON_ABSENT);
        assert_int_equal(json_kind(json_get(a, "s")), JSON_ABSENT);
        assert_str(json_text(cx, a), "[1,{\"k\":\"v\"}]");
        assert_null(json_text(cx, json_at(a, 9)).p);
        size_t n = 0;
        for (JsonIter it = { 0 }; json_next(root, &it); n++)
                if (n == 0)
                        assert_str(it.name, "s");
        assert_int_equal(n, 6);
        Json *none = NULL;
        assert_err(json_parse(cx, STR("{\"exp\":1e400}"), 8, &none), ERR_BAD_JSON);
        assert_null(none);
        assert_ok(json_parse(cx, STR(" 5 "), 8, &none));
        assert_int_equal(json_int(json_root(none), 0), 5);
        json_free(none);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST_WITH_CTX(test_read_all),        TEST_WITH_CTX(test_read_absent_and_null),
                TEST_WITH_CTX(test_read_wrong),      TEST_WITH_CTX(test_read_composed),
                TEST_WITH_CTX(test_read_at_most_16), TEST_WITH_CTX(test_read_not_json),
                TEST_WITH_CTX(test_read_open),       TEST_WITH_CTX(test_depth),
                cmocka_unit_test(test_write),        cmocka_unit_test(test_write_str),
                cmocka_unit_test(test_write_num),    TEST_WITH_CTX(test_foreign),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
