import { Backoff } from '../../../core/backoff.js';
import { ReadAnswers } from '../../connections/read-answers.js';
import { WakeUp } from '../../connections/wake-up.js';
import type { FetchAnswer, FetchedBatch, KafkaGroup, Leaders } from '../connection/kafka-group.js';

/** How long the broker waits for records, in milliseconds. */
const LONG_WAIT = 500;
/** The same while another partition of the node may want records soon. */
const SHORT_WAIT = 50;
/** Most bytes of one answer: each record in hand keeps the answer that it came with in memory. */
const MAX_BYTES = 2 * 1024 * 1024;
const MAX_BYTES_PER_PARTITION = 512 * 1024;
/** Bytes that one answer may have however many topics are read at the same time. */
const LEAST_BYTES = 64 * 1024;

/** A place to read from. */
export interface Position {
  readonly partition: number;
  readonly offset: number;
}

/** What to read from a node. */
export interface Wanted {
  readonly positions: readonly Position[];
  /** Another partition that the node leads may want records soon. */
  readonly hasOthers: boolean;
}

export interface FetchingHooks {
  /** Which partitions want records, of those that a node leads. */
  wanted(partitions: readonly number[]): Wanted;
  /** Bytes that the answers of all nodes may have, which may come at the same time. */
  room(): number;
  onBatch(batch: FetchedBatch, asked: Position): void;
  /** There is nothing at this position: records were deleted, or the topic was made again. */
  onOutOfRange(asked: Position): Promise<void>;
  onFailed(error: Error): void;
}

/** A node that leads partitions of the topic. */
interface Node {
  leads: readonly number[];
  readonly answers: ReadAnswers;
  readonly wakeUp: WakeUp;
  /** Woken when the node leads other partitions: a fetch that has failed may succeed. */
  readonly changed: WakeUp;
}

/** Reads a topic from all nodes that lead partitions of it, until `stop`. */
export class Fetching {
  private readonly nodes = new Map<string, Node>();
  private stopped = false;

  constructor(
    private readonly group: Pick<KafkaGroup, 'fetch'>,
    private readonly hooks: FetchingHooks,
  ) {}

  /** Whether the nodes answer, one by one. */
  get answers(): ReadAnswers[] {
    return [...this.nodes.values()].map(({ answers }) => answers);
  }

  /** From now on these nodes lead the partitions. */
  use(leaders: Leaders): void {
    for (const node of this.nodes.keys()) if (!leaders.has(node)) this.nodes.delete(node);
    const added: string[] = [];
    for (const [node, leads] of leaders) {
      const known = this.nodes.get(node);
      if (known) {
        if (known.leads.join() !== leads.join()) known.changed.wake();
        known.leads = leads;
      } else {
        const answers = new ReadAnswers();
        this.nodes.set(node, { leads, answers, wakeUp: new WakeUp(), changed: new WakeUp() });
        added.push(node);
      }
    }
    for (const node of added) void this.read(node);
    this.wake();
  }

  /** A partition wants records that did not want any before. */
  wake(): void {
    for (const { wakeUp } of this.nodes.values()) wakeUp.wake();
  }

  stop(): void {
    this.stopped = true;
    this.wake();
    for (const { changed } of this.nodes.values()) changed.wake();
    this.nodes.clear();
  }

  /** Never rejects. */
  private async read(node: string): Promise<void> {
    const reader = this.nodes.get(node)!;
    const backoff = new Backoff(50, 2000);
    while (this.nodes.get(node) === reader && !this.stopped) {
      const { positions, hasOthers } = this.hooks.wanted(reader.leads);
      if (positions.length === 0) {
        reader.answers.dropped();
        await reader.wakeUp.wait(LONG_WAIT);
        continue;
      }
      try {
        reader.answers.asked();
        const refused = await this.readOnce(node, positions, hasOthers ? SHORT_WAIT : LONG_WAIT);
        if (refused) reader.answers.refused(refused);
        else reader.answers.answered();
        backoff.reset();
      } catch (error) {
        if (this.stopped) return;
        reader.answers.failed(error as Error);
        this.hooks.onFailed(error as Error);
        await reader.changed.wait(backoff.next());
      }
    }
  }

  /** Returns why nothing can be read of all that was asked for. */
  private async readOnce(
    node: string,
    positions: readonly Position[],
    maxWait: number,
  ): Promise<Error | undefined> {
    const share = Math.max(LEAST_BYTES, Math.floor(this.hooks.room() / this.nodes.size));
    const bounds = {
      maxBytes: Math.min(MAX_BYTES, share),
      maxBytesPerPartition: Math.min(MAX_BYTES_PER_PARTITION, share),
    };
    const answer: FetchAnswer = await this.group.fetch({ node, positions, maxWait, ...bounds });
    if (this.stopped) return undefined;
    const asked = new Map(positions.map((position) => [position.partition, position]));
    if (answer.outOfRange !== undefined) {
      await this.hooks.onOutOfRange(asked.get(answer.outOfRange)!);
    }
    for (const error of answer.failed ?? []) this.hooks.onFailed(error);
    for (const batch of answer.batches) this.hooks.onBatch(batch, asked.get(batch.partition)!);
    return answer.batches.length === 0 ? answer.failed?.[0] : undefined;
  }
}
