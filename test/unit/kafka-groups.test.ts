import { array, assert, boolean, integer, property, record } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { progressOf } from '../../lib/drivers/kafka/groups/describing.js';
import {
  decodeMark,
  encodeMark,
  TopicMarks,
  type Mark,
} from '../../lib/drivers/kafka/groups/mark.js';
import {
  givenBack,
  movedTo,
  pendingRanges,
  unreadFrom,
} from '../../lib/drivers/kafka/partitions/moved.js';
import { encodeMetadata } from '../../lib/drivers/kafka/partitions/offset-metadata.js';
import { OffsetRanges } from '../../lib/drivers/kafka/partitions/offset-ranges.js';
import { progressAt, type Progress } from '../../lib/drivers/kafka/partitions/progress.js';

const mark = (changes: Partial<Mark> = {}): Mark => ({
  ...{ n: 3, kind: 'moved', offset: 7, written: 1_796_000_000, by: 'a1b2' },
  ...changes,
});

/** Offsets from the floor up to `handed`: `true` is done, `false` pending; and what comes back without a run. */
const PROGRESS = record({
  floor: integer({ min: 0, max: 5 }),
  done: array(boolean(), { maxLength: 12 }),
  fresh: array(integer({ min: 0, max: 20 }), { maxLength: 3 }),
}).map(({ floor, done, fresh }): Progress => {
  const handed = floor + done.length;
  const ranges = done.flatMap((isDone, at) =>
    isDone ? [[floor + at, floor + at + 1] as const] : [],
  );
  const runs = new Map(fresh.map((offset) => [offset, 0]));
  return { ...progressAt(floor, 1), handed, done: new OffsetRanges(ranges), runs };
});

/** The offsets that are pending, one by one. */
const pendingOf = ({ floor, handed, done, runs }: Progress): number[] =>
  [...done.missing(floor, handed)].filter((offset) => runs.get(offset) !== 0);

const listed = (progress: Progress): number[] =>
  pendingRanges(progress).flatMap(([from, to]) =>
    Array.from({ length: to - from }, (_, at) => from + at),
  );

describe('the progress of a group in a partition', () => {
  it('pending is what was handed out and is not done, without what was given back before it ran', () => {
    assert(
      property(PROGRESS, (progress) => {
        expect(listed(progress)).toEqual(pendingOf(progress));
        const undone = [...progress.done.missing(progress.floor, progress.handed)];
        expect([...pendingOf(progress), ...givenBack(progress)].sort((a, b) => a - b)).toEqual(
          undone,
        );
      }),
    );
  });

  it('a group that is moved keeps what is pending below, and reads everything else from there on', () => {
    assert(
      property(PROGRESS, integer({ min: 0, max: 20 }), (before, offset) => {
        const after = movedTo(before, offset, 2);
        expect(after).toMatchObject({ handed: offset, markNumber: 2 });
        const kept = pendingOf(before).filter((one) => one < offset);
        expect(pendingOf(after)).toEqual(kept);
        expect(after.floor).toBe(kept[0] ?? offset);
      }),
    );
  });

  it('what is done behind the last entry that was handed out is not unread', () => {
    const before = { ...progressAt(0), handed: 2 };
    const done = (...ranges: [number, number][]) => ({ ...before, done: new OffsetRanges(ranges) });
    expect(unreadFrom(before)).toEqual({ from: 2, doneBehind: 0 });
    expect(unreadFrom(done([1, 2]))).toEqual({ from: 2, doneBehind: 0 });
    expect(unreadFrom(done([1, 20]))).toEqual({ from: 20, doneBehind: 0 });
    expect(unreadFrom(done([2, 20], [22, 25]))).toEqual({ from: 20, doneBehind: 3 });
  });

  it('counts the runs of what stays pending, and no others', () => {
    const runs = new Map([
      [1, 4],
      [2, 5],
      [6, 3],
    ]);
    const before = { ...progressAt(0), handed: 8, done: new OffsetRanges([[2, 5]]), runs };
    expect([...movedTo(before, 5, 1).runs]).toEqual([[1, 4]]);
  });

  it('follows a mark that is newer than what is committed, and no older one', () => {
    const before = { ...progressAt(2, 3), handed: 6, done: new OffsetRanges([[4, 6]]) };
    const committed = { offset: 2, metadata: encodeMetadata(before, 1) };
    expect(progressOf(mark({ n: 3 }), committed, 0)).toMatchObject({ floor: 2, handed: 6 });
    const moved = progressOf(mark({ n: 4 }), committed, 0);
    expect(moved).toMatchObject({ floor: 2, handed: 7, markNumber: 4 });
    expect(pendingOf(moved)).toEqual([2, 3]);
    const created = progressOf(mark({ n: 4, kind: 'created' }), committed, 0);
    expect(created).toEqual(progressAt(7, 4));
    expect(progressOf(undefined, undefined, 5)).toEqual(progressAt(5));
    expect(progressOf(mark(), undefined, 5)).toEqual(progressAt(7, 3));
    expect(progressOf(mark(), { offset: 9, metadata: 'of another program' }, 5)).toMatchObject({
      floor: 7,
    });
  });
});

describe('marks', () => {
  it.each(['created', 'moved', 'deleted'] as const)('a %s one comes back as it was', (kind) => {
    const one = mark({ kind, n: 36_000, offset: 2 ** 52 });
    expect(decodeMark(one.offset, encodeMark(one))).toEqual(one);
  });

  it('texts of other programs, and offsets without a text, are none', () => {
    for (const text of ['', 'nrs1', 'nrs1:3', 'nrs1:3:x:1:a', 'nrs2:3:m:1:a', '{"n":3}', ':::::']) {
      expect(decodeMark(7, text)).toBeUndefined();
    }
    expect(decodeMark(undefined, encodeMark(mark()))).toBeUndefined();
  });

  it('the newest one says whether the group was deleted', () => {
    const deleted = mark({ n: 4, kind: 'deleted' });
    const later = mark({ n: 5, kind: 'created' });
    expect(new TopicMarks(new Map([[0, deleted]])).deleted).toBe(true);
    const both = new TopicMarks(
      new Map([
        [0, later],
        [1, deleted],
      ]),
    );
    expect(both.deleted).toBe(false);
    expect(both.at(1)).toBe(deleted);
    expect(new TopicMarks(new Map()).deleted).toBe(false);
  });
});
