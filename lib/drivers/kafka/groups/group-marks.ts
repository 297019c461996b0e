import { randomBytes } from 'node:crypto';
import { Backoff } from '../../../core/backoff.js';
import { sleep, systemClock } from '../../../core/clock.js';
import type { GroupOffset } from '../connection/kafka-client.js';
import { groupOn } from '../names/names.js';
import { decodeMetadata } from '../partitions/offset-metadata.js';
import { decodeMark, NO_MARKS, TopicMarks, type Mark, type MarkKind } from './mark.js';
import { MarksWriter, type MarksParts, type OnTopic, type Written } from './marks-writer.js';

/** Marks that are older are written again, in seconds: brokers forget them after seven days by default. */
const REFRESHED_AFTER = 24 * 3600;
/** How likely a look writes old marks again, so that not all processes do at the same moment. */
const REFRESH_CHANCE = 0.1;
/** Most looks for what was written: about a second. */
const MOST_LOOKS = 20;

/** What a Kafka group has committed, by partition; only partitions with an offset. */
export type Committed = ReadonlyMap<number, GroupOffset & { readonly offset: number }>;

/** What is known of a group on one topic. */
export interface GroupState {
  readonly marks: TopicMarks;
  /** By the Kafka group of the topic. */
  readonly committed: Committed;
  /** The partitions of the topic. */
  readonly partitions: readonly number[];
  /** Whether consumers may read the topic for the group. */
  readonly exists: boolean;
}

/** Where partitions are to be. Partitions that are left out stay as they are. */
export interface Decision {
  readonly kind: MarkKind;
  readonly offsets: ReadonlyMap<number, number>;
}

/** The marks of one group, on all of its topics. */
export interface LookedAt {
  of(topic: string): TopicMarks;
}

type Listener = (group: string, topic: string) => Promise<void>;

/**
 * The marks of groups: whether a group exists or was deleted, and which positions were set. They are the
 * committed offsets of a Kafka group without members, one for all topics of the group.
 */
export class GroupMarks {
  private readonly writer: MarksWriter;
  private readonly listeners = new Set<Listener>();

  constructor(private readonly parts: MarksParts) {
    this.writer = new MarksWriter(parts);
  }

  /** Reads the marks of a group, on all topics: one request. */
  async look(group: string): Promise<LookedAt> {
    const { client, names } = this.parts;
    const found = await client.admin.allGroupOffsets(names.marks(group));
    const topics = new Map([...found].map(([topic, offsets]) => [topic, marksOf(offsets)]));
    for (const [topic, marks] of topics) this.keep({ group, topic }, marks);
    return { of: (topic) => topics.get(topic) ?? NO_MARKS };
  }

  /** Reads what is known of a group on a topic. Undefined: the topic does not exist. */
  async state({ group, topic }: OnTopic): Promise<GroupState | undefined> {
    const { client, names } = this.parts;
    const [topics, looked, own] = await Promise.all([
      client.admin.topics([topic]),
      client.admin.allGroupOffsets(names.marks(group)),
      client.admin.allGroupOffsets(groupOn(group, topic)),
    ]);
    const partitions = topics.get(topic);
    if (!partitions) return undefined;
    const marks = marksOf(looked.get(topic) ?? []);
    const committed = committedOf(own.get(topic) ?? []);
    return { marks, committed, partitions, exists: existsBy(marks, committed) };
  }

  /**
   * Decides about a group: `decide` is told what is known (undefined: the topic does not exist), and
   * returns what is to be, or undefined where everything stays. It may be called several times. Returns
   * whether this call has decided. All processes can read it then.
   */
  async decide(
    on: OnTopic,
    decide: (state: GroupState | undefined) => Decision | undefined | Promise<Decision | undefined>,
  ): Promise<boolean> {
    const by = randomBytes(4).toString('hex');
    let isOurs = false;
    const written = await this.writer.write(on, async () => {
      const state = await this.state(on);
      // The outcome of the try before was not known. It went well.
      isOurs = state?.marks.latest?.by === by;
      const decision = isOurs ? undefined : await decide(state);
      if (!state || !decision) return undefined;
      const marks = marksFor(decision, nextNumber(state), by);
      return { marks, begins: decision.kind === 'created' };
    });
    const [mark] = written?.marks.values() ?? [];
    if (mark) await this.untilSeen(on, mark);
    return mark !== undefined || isOurs;
  }

  /** Calls the listener at each `tell`, which waits for it. @returns a function that ends this */
  onChange(listener: Listener): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  /** Lets the consumers of this process look at what was decided. No consumer calls this itself. */
  async tell({ group, topic }: OnTopic): Promise<void> {
    await Promise.all([...this.listeners].map((listener) => listener(group, topic)));
  }

  /** Offsets of a transaction can be read some milliseconds after it was committed. */
  private async untilSeen({ group, topic }: OnTopic, { n }: Mark): Promise<void> {
    const { client, names } = this.parts;
    const backoff = new Backoff(2, 100);
    for (let looks = 0; looks < MOST_LOOKS; looks++) {
      const found = await client.admin.allGroupOffsets(names.marks(group));
      const { latest } = marksOf(found.get(topic) ?? []);
      if (latest && latest.n >= n) return;
      await sleep(systemClock, backoff.next());
    }
  }

  /** Writes marks again before brokers forget them. A process that fails here tries at a later look. */
  private keep(on: OnTopic, marks: TopicMarks): void {
    if (!isOld(marks) || this.writer.isWriting(on) || Math.random() > REFRESH_CHANCE) return;
    void this.writer.write(on, () => this.again(on)).catch(() => undefined);
  }

  private async again(on: OnTopic): Promise<Written | undefined> {
    const marks = (await this.state(on))?.marks ?? NO_MARKS;
    // Another process was faster.
    if (!isOld(marks)) return undefined;
    const written = inSeconds();
    return { marks: new Map([...marks].map(([at, mark]) => [at, { ...mark, written }])) };
  }
}

const isOld = ({ latest }: TopicMarks): boolean =>
  latest !== undefined && inSeconds() - latest.written >= REFRESHED_AFTER;

export const marksOf = (offsets: readonly GroupOffset[]): TopicMarks =>
  new TopicMarks(
    new Map(
      offsets.flatMap(({ partition, offset, metadata }) => {
        const mark = decodeMark(offset, metadata);
        return mark ? [[partition, mark] as const] : [];
      }),
    ),
  );

export const committedOf = (offsets: readonly GroupOffset[]): Committed =>
  new Map(
    offsets.flatMap(({ offset, ...rest }) =>
      offset === undefined ? [] : [[rest.partition, { ...rest, offset }] as const],
    ),
  );

/** Whether a group exists. One of another program has no marks. */
export const existsBy = (marks: TopicMarks, committed: Committed): boolean =>
  marks.latest ? !marks.deleted : committed.size > 0;

/** Higher than each number before, also where the brokers have forgotten marks that consumers have followed. */
function nextNumber({ marks, committed }: GroupState): number {
  const followed = [...committed.values()].map(
    ({ offset, metadata }) => decodeMetadata(offset, metadata).markNumber,
  );
  return 1 + Math.max(marks.latest?.n ?? 0, ...followed);
}

function marksFor({ kind, offsets }: Decision, n: number, by: string): ReadonlyMap<number, Mark> {
  const written = inSeconds();
  return new Map([...offsets].map(([at, offset]) => [at, { n, kind, offset, written, by }]));
}

const inSeconds = (): number => Math.floor(systemClock.wallTime() / 1000);
