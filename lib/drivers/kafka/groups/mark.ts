/** What an operator, or the creation of the group, has decided about a group and one partition. */
export interface Mark {
  /** Rises with each decision about the group on this topic. */
  readonly n: number;
  /**
   * `created`: the group begins at `offset`, with nothing pending. `moved`: it reads on at `offset`, and what
   * is pending stays pending. `deleted`: no consumer reads the topic for the group.
   */
  readonly kind: MarkKind;
  readonly offset: number;
  /** When the mark was written last, in seconds since the epoch. */
  readonly written: number;
  /** Which call has decided it. */
  readonly by: string;
}

export type MarkKind = 'created' | 'moved' | 'deleted';

const FORMAT = 'nrs1';
const KINDS: Readonly<Record<MarkKind, string>> = { created: 'c', moved: 'm', deleted: 'd' };

/** A mark as the metadata of an offset. The offset itself is that of the mark. */
export const encodeMark = ({ n, kind, written, by }: Omit<Mark, 'offset'>): string =>
  [FORMAT, n.toString(36), KINDS[kind], written.toString(36), by].join(':');

/** Undefined: this is no mark, as where another program has committed the offset. */
export function decodeMark(offset: number | undefined, metadata: string): Mark | undefined {
  const [format, n = '', letter, written = '', by = ''] = metadata.split(':');
  const kind = (Object.keys(KINDS) as MarkKind[]).find((one) => KINDS[one] === letter);
  const [number, time] = [parseInt(n, 36), parseInt(written, 36)];
  if (offset === undefined || format !== FORMAT || !kind) return undefined;
  if (!Number.isSafeInteger(number) || !Number.isSafeInteger(time)) return undefined;
  return { n: number, kind, offset, written: time, by };
}

/** The marks of a group on the partitions of one topic. */
export class TopicMarks {
  /** The one that was decided last. Undefined: there are no marks. */
  readonly latest: Mark | undefined;

  constructor(private readonly marks: ReadonlyMap<number, Mark>) {
    for (const mark of marks.values()) {
      if (!this.latest || mark.n > this.latest.n) this.latest = mark;
    }
  }

  /** The group was deleted on purpose. */
  get deleted(): boolean {
    return this.latest?.kind === 'deleted';
  }

  /** Undefined: nothing was decided about this partition. */
  at(partition: number): Mark | undefined {
    return this.marks.get(partition);
  }

  [Symbol.iterator](): IterableIterator<[number, Mark]> {
    return this.marks.entries();
  }
}

export const NO_MARKS = new TopicMarks(new Map());
