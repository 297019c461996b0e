import { describe, expect, it } from 'vitest';
import {
  doneWords,
  mostDoneWords,
  readDoneWords,
} from '../../lib/drivers/kafka/partitions/done-words.js';
import {
  decodeMetadata,
  encodeMetadata,
  METADATA_LIMIT,
} from '../../lib/drivers/kafka/partitions/offset-metadata.js';
import { OffsetRanges } from '../../lib/drivers/kafka/partitions/offset-ranges.js';
import { progressAt, type Progress } from '../../lib/drivers/kafka/partitions/progress.js';
import { seededRandom } from '../support/seeded-random.js';

const progress = (some: Partial<Progress>): Progress => ({ ...progressAt(1000), ...some });

/** As plain data, for comparing. */
const plain = ({ done, runs, ...rest }: Progress) => ({
  ...rest,
  done: [...done],
  runs: [...runs].sort(([a], [b]) => a - b),
});

describe('a set of offsets', () => {
  it('has the offsets that were added, in any order', () => {
    const random = seededRandom(1);
    for (let round = 0; round < 100; round++) {
      const ranges = new OffsetRanges();
      const model = new Set<number>();
      const span = 1 + Math.floor(random() * 40);
      for (let step = 0; step < 25; step++) {
        const from = Math.floor(random() * span);
        const to = from + (random() < 0.6 ? 1 : Math.floor(random() * 10));
        ranges.add(from, to);
        for (let offset = from; offset < to; offset++) model.add(offset);
        check(ranges, model, Math.floor(random() * span));
      }
    }
  });

  function check(ranges: OffsetRanges, model: ReadonlySet<number>, cut: number): void {
    const offsets = Array.from({ length: 60 }, (_, offset) => offset);
    expect(offsets.filter((offset) => ranges.has(offset))).toEqual(
      [...model].sort((a, b) => a - b),
    );
    const touching = [...ranges].flat().filter((bound, at, all) => at > 0 && bound <= all[at - 1]!);
    expect(touching).toEqual([]);
    const missing = offsets.slice(cut, 55).filter((offset) => !model.has(offset));
    expect([...ranges.missing(cut, 55)]).toEqual(missing);
    expect(ranges.countBelow(cut)).toBe([...model].filter((offset) => offset < cut).length);
    const rest = ranges.copy();
    expect(rest.cutBelow(cut)).toBe([...ranges.missing(cut, 60)][0]);
    expect([...rest].every(([from]) => from > cut)).toBe(true);
  }
});

describe('the metadata of an offset', () => {
  it('brings back what it was made of', () => {
    const random = seededRandom(2);
    for (let round = 0; round < 500; round++) {
      const usual = random() < 0.5 ? 1 : 0;
      const density = random();
      const done = new OffsetRanges();
      const span = Math.floor(random() * 300);
      for (let offset = 1001; offset < 1000 + span; offset++)
        if (random() < density) done.add(offset, offset + 1);
      const handed = 1000 + Math.floor(random() * (span + 1));
      const runs = new Map<number, number>();
      for (const offset of done.missing(1000, handed))
        if (random() < 0.2) {
          const count = Math.floor(random() ** 4 * 400);
          if (count !== usual) runs.set(offset, count);
        }
      const before = progress({
        handed,
        done,
        runs,
        markNumber: round,
        transaction: round * 1e6,
        transacts: random() < 0.5,
      });
      const text = encodeMetadata(before, usual);
      expect(plain(decodeMetadata(1000, text))).toEqual(plain(before));
    }
  });

  it('is one letter for each of the usual things', () => {
    const handed = 3000;
    const done = new OffsetRanges([[1005, 1000 + 16 * 5]]);
    expect(encodeMetadata(progress({ handed, done }), 1)).toBe('s1.1jk.0.0..h_.');
    expect(encodeMetadata(progress({}), 1)).toBe('s1.0.0.0...');
  });

  it('is empty where another program has written it', () => {
    for (const text of [
      '',
      'checkpoint',
      '{"a":1}',
      's2.0.0.0...',
      's1.zz',
      's1.0.0.0..!.',
      's1.1.0.0...v',
    ])
      expect(plain(decodeMetadata(1000, text))).toEqual(plain(progressAt(1000)));
  });

  it('is no trap: numbers that no group can reach count as nothing known', () => {
    for (const text of [
      's1.zzzzzzzzzzzz.0.0...',
      's1.9.0.0..vvvvvvvvvvvvvvvv.',
      's1.9.0.0...______A',
    ])
      expect(plain(decodeMetadata(1000, text))).toEqual(plain(progressAt(1000)));
  });

  it('leaves out what is done rather than grow too long', () => {
    const done = new OffsetRanges();
    for (let offset = 1001; offset < 60_000; offset += 3) done.add(offset, offset + 1);
    const text = encodeMetadata(progress({ handed: 60_000, done }), 1);
    expect(text.length).toBeLessThanOrEqual(METADATA_LIMIT);
    const read = decodeMetadata(1000, text);
    expect(read.handed).toBe(60_000);
    expect(read.done.size).toBeGreaterThan(1000);
    for (const [from, to] of read.done)
      for (let at = from; at < to; at++) expect(done.has(at)).toBe(true);
  });
});

describe('most letters for what is done', () => {
  it('are never fewer than are needed', () => {
    const random = seededRandom(3);
    let tightest = 0;
    for (let round = 0; round < 600; round++) {
      const span = 1 + Math.floor(random() ** 3 * 50_000);
      const undone = 1 + Math.floor(random() ** 3 * Math.min(span, 900));
      const left = new Set<number>();
      const step = random() < 0.5 ? Math.max(1, Math.floor(span / undone)) : 0;
      for (let one = 0; one < undone; one++)
        left.add(step ? one * step : Math.floor(random() * span));
      const done = new OffsetRanges();
      for (let offset = 0; offset < span; offset++)
        if (!left.has(offset)) done.add(offset, offset + 1);
      const text = doneWords(0, done);
      const most = mostDoneWords(span, left.size);
      expect(text.length).toBeLessThanOrEqual(most);
      tightest = Math.max(tightest, text.length / most);
      expect([...readDoneWords(0, text)!]).toEqual([...done]);
    }
    // A bound that is far too high would stop intake early.
    expect(tightest).toBeGreaterThan(0.7);
  });
});
