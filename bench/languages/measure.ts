import type { Sentence, Split } from '../../workloads/languages/train.test-support.ts';
import type { Identifier } from './identifiers.ts';

/** Mean over labels of the share of their sentences that is right, 0 to 1. */
export interface MacroAccuracy {
  whole: number;
  first30: number;
}

export interface Row {
  name: string;
  labels: number;
  /** Over every label with test sentences. */
  all: MacroAccuracy;
  /** Over the labels this identifier can give: its own figure and that of the first identifier, on the same sentences. */
  own: MacroAccuracy;
  reference: MacroAccuracy;
  /** Median over the rounds. */
  sentencesPerCpuSecond: number;
}

const FIRST_CHARACTERS = 30;
const ROUNDS = 5;
/** Every so-manieth sentence is timed: the slowest peer then takes two seconds a round. */
const TIMED_EVERY = 4;

type Answers = readonly (string | undefined)[];

/** Accuracy of all on the same sentences, then their speed in turn: round by round, each beginning with another. */
export function measure(identifiers: readonly Identifier[], split: Split): Row[] {
  const { test, labels } = split;
  const codes = test.map(({ label }) => labels[label]?.code ?? '');
  const first = test.map(({ text }) => Array.from(text).slice(0, FIRST_CHARACTERS).join(''));
  const answers = identifiers.map(({ identify }) => ({
    whole: test.map(({ text }) => identify(text)),
    first30: first.map(identify),
  }));
  const accuracy = (index: number, among: ReadonlySet<string>): MacroAccuracy => ({
    whole: macroAccuracy(codes, answers[index]?.whole ?? [], among),
    first30: macroAccuracy(codes, answers[index]?.first30 ?? [], among),
  });
  const everything = new Set(codes);
  const speeds = measureSpeed(identifiers, test);
  return identifiers.map(({ name, supported }, index) => {
    const among = new Set([...supported].filter((code) => everything.has(code)));
    return {
      name,
      labels: among.size,
      all: accuracy(index, everything),
      own: accuracy(index, among),
      reference: accuracy(0, among),
      sentencesPerCpuSecond: speeds[index] ?? Number.NaN,
    };
  });
}

function macroAccuracy(codes: readonly string[], answers: Answers, among: ReadonlySet<string>): number {
  const tally = new Map<string, { right: number; total: number }>();
  codes.forEach((code, index) => {
    if (!among.has(code)) return;
    const count = tally.get(code) ?? { right: 0, total: 0 };
    count.total += 1;
    if (answers[index] === code) count.right += 1;
    tally.set(code, count);
  });
  const shares = [...tally.values()].map(({ right, total }) => right / total);
  return shares.reduce((sum, share) => sum + share, 0) / shares.length;
}

function measureSpeed(identifiers: readonly Identifier[], test: readonly Sentence[]): number[] {
  const texts = test.filter((_, index) => index % TIMED_EVERY === 0).map(({ text }) => text);
  const rates = identifiers.map((): number[] => []);
  for (let round = 0; round < ROUNDS; round++) {
    for (let turn = 0; turn < identifiers.length; turn++) {
      const index = (round + turn) % identifiers.length;
      const identify = identifiers[index]?.identify;
      if (identify === undefined) continue;
      // Fast ones go over the sentences until half a second of CPU time has passed: the clock ticks in milliseconds.
      const before = process.cpuUsage();
      let done = 0;
      let seconds = 0;
      while (seconds < 0.5) {
        for (const text of texts) identify(text);
        done += texts.length;
        const { user, system } = process.cpuUsage(before);
        seconds = (user + system) / 1e6;
      }
      rates[index]?.push(done / seconds);
    }
  }
  return rates.map((values) => values.sort((left, right) => left - right)[Math.floor(values.length / 2)] ?? Number.NaN);
}
