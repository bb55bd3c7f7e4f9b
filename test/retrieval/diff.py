#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Differential test of the scorer: generated conversations and questions, scored by our index (diff_driver) and by the
reference in Python; the scores must agree to 1e-6 and the order with them.

    diff.py DRIVER [REFERENCE]      REFERENCE: default $MAINSTAY_SHARED/retrieval/reference.py

Exit code 77 (skipped) when there is no reference to compare with."""
import datetime as dt, importlib.util, os, random, subprocess, sys
from collections import namedtuple

Turn = namedtuple('Turn', 'session speaker text caption date')
NAMES = ['Ana Lima', 'Ben', 'Charlotte', "Mary-Jo", 'Melanie']
MONTHS = 'January February March April May June July August September October November December'.split()
WORDS = """dog dogs puppy trip travelled beach job worked guitar painting painted sister's school running ran children
hiking mountain recipe cooked Lisbon moved marathon birthday cake doctor's novels wrote swam concert tickets garden
flowers won trophy laptop friend's don't can't it's they've rock'n'roll 5k 2nd cats knife knives studied exam nervous
relaxing yoga adopted kitten brought bought gift money raised charity camping forest interview company Sunday went like new the a
of in on with and really very I my we me you so just about""".split()
TIMES = ['yesterday', 'last week', 'two days ago', 'for three years', 'next month', 'in May', 'the other day', 'in 2019',
         'for about 6 weeks', 'last Tues', 'a few weekends ago', 'this morning', '7 May 2023', 'for a while', 'for days']
HEADS = ['When did {n} ', 'How long has {n} ', 'What did {n} ', 'Which ', 'Where does {n} ', "What is {n}'s ", 'Who ',
         'What date did ', 'In which month did {n} ', 'whenever ', 'Did {n} and {m} ', '']
DATES = ['', '', '', ' in May', ' in June 2023', ' on 7 May 2023', ' on May 7th, 2023', ' on the 3rd of July 2022', ' during late March',
         ' on 31 February 2023', ' in 2022', ' on 12 August', ' on December 30', ' in december, 2022', ' on 0 May', ' in May 0000']


def load_reference(path):
    spec = importlib.util.spec_from_file_location('reference', path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Driver:
    def __init__(self, path):
        self.p = subprocess.Popen([path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.stems = {}

    def send(self, *fields):
        self.p.stdin.write('\t'.join(fields) + '\n')
        self.p.stdin.flush()

    def line(self):
        return self.p.stdout.readline().rstrip('\n')

    def word_lists(self):
        self.send('words')
        lists = []
        for _ in range(4):
            lines = []
            while (line := self.line()) != '.':
                lines.append(line.split())
            lists.append(lines)
        return lists

    def stem(self, word):
        if not word:
            return word
        if word not in self.stems:
            self.send('stem', word)
            self.stems[word] = self.line()
        return self.stems[word]

    def ask(self, question):
        self.send('ask', question)
        return [(int(n) - 1, float(s)) for n, s in (x.split(':') for x in self.line().split('\t') if x)]


def use_our_lists(ref, driver):
    """The lists are ours to widen; the reference is about the formula."""
    stops, asks, irregulars, synonyms = driver.word_lists()
    ref.STOP, ref.QSTOP, ref.SYN = set(stops[0]), set(asks[0]), synonyms
    ref.IRR = {}
    for lemma, *forms in irregulars:
        for form in forms:
            ref.IRR.setdefault(form, lemma)


def sentence(rng):
    words = [rng.choice(WORDS) for _ in range(rng.randint(1, 12))]
    if rng.random() < .25:
        words.insert(rng.randrange(len(words) + 1), rng.choice(TIMES))
    return ' '.join(words).capitalize() + rng.choice(['.', '.', '!', '?', ', ', ' - '])


def conversations(rng, sessions):
    turns, day = [], dt.date(2022, rng.randint(1, 12), rng.randint(1, 28))
    names = rng.sample(NAMES, rng.randint(2, 3))
    for s in range(sessions):
        day += dt.timedelta(rng.randint(0, 40))
        for _ in range(rng.randint(1, 25)):
            text = ' '.join(sentence(rng) for _ in range(rng.randint(0, 4)))
            caption = sentence(rng) if rng.random() < .2 else ''
            turns.append(Turn('s%d' % s, rng.choice(names), text, caption, day))
    return turns, names


def question(rng, names):
    head = rng.choice(HEADS).format(n=rng.choice(names).split()[0], m=rng.choice(names).split()[0])
    body = ' '.join(rng.choice(WORDS) for _ in range(rng.randint(0, 6)))
    return (head + body + rng.choice(DATES)).strip() + rng.choice(['?', '?', '', ' ?'])


def compare(expected, hits, what):
    got = [0.0] * len(expected)
    for i, score in hits:
        got[i] = score
    for i, (e, g) in enumerate(zip(expected, got)):
        if abs(e - g) > 1e-6:
            sys.exit('FAIL %s: turn %d scores %.9f, reference %.9f' % (what, i + 1, g, e))
    ranked = [expected[i] for i, _ in hits]
    for a, b in zip(ranked, ranked[1:]):
        if b > a + 1e-9:
            sys.exit('FAIL %s: order differs (%.12f before %.12f)' % (what, a, b))


def ms(day):
    return str((day - dt.date(1970, 1, 1)).days * 86400000 + 43200000)


def main():
    shared = os.environ.get('MAINSTAY_SHARED') or os.path.join(os.path.dirname(__file__), '..', '..', '..', 'shared')
    path = sys.argv[2] if len(sys.argv) > 2 else os.path.join(shared, 'retrieval', 'reference.py')
    if not os.path.exists(path):
        print('skipped: no reference at', path)
        sys.exit(77)
    ref = load_reference(path)
    asked = scored = 0
    for seed in range(24):
        rng = random.Random(seed)
        driver = Driver(sys.argv[1])
        use_our_lists(ref, driver)
        turns, names = conversations(rng, [1, 2, 5, 12][seed % 4])
        for t in turns:
            driver.send('turn', t.session, t.speaker, ms(t.date), t.text, t.caption)
        engine = ref.Engine(turns, sorted({t.speaker for t in turns}), driver.stem)
        for n in range(25):
            q = question(rng, names)
            expected = engine(q)
            hits = driver.ask(q)
            if not any(expected):
                continue                             # nothing to rank: ours answers with the newest or not at all
            compare(expected, hits, 'seed %d, %r' % (seed, q))
            asked, scored = asked + 1, scored + len(hits)
        driver.p.stdin.close()
        driver.p.wait()
    print('ok: %d questions, %d scores agree' % (asked, scored))


main()
