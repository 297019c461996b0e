import type { Clock } from '../../core/clock.js';
import type { LiveConsumers } from '../../ports/live-consumers.js';
import { GroupReading } from './group-reading.js';

/**
 * How long a reading may be used to choose receivers, in milliseconds. It is not used to deny that
 * there are any.
 */
const RECENT = 1000;

interface Reads {
  current?: Promise<GroupReading> | undefined;
  next?: Promise<GroupReading> | undefined;
  last?: { readonly reading: GroupReading; readonly at: number } | undefined;
}

/** Reads which consumers a group has, stream by stream. One read at a time serves all callers. */
export class GroupDirectory {
  private readonly streams = new Map<string, Reads>();

  constructor(
    private readonly port: LiveConsumers,
    private readonly group: string,
    private readonly instance: string,
    private readonly clock: Clock,
  ) {}

  /** Use it for positive answers only. */
  recent(stream: string): GroupReading | undefined {
    const last = this.streams.get(stream)?.last;
    return last && this.clock.now() - last.at < RECENT ? last.reading : undefined;
  }

  /** A reading that begins after this call. */
  fresh(stream: string): Promise<GroupReading> {
    const reads = this.readsOf(stream);
    if (!reads.current) return this.begin(stream, reads);
    reads.next ??= reads.current.then(
      () => this.begin(stream, reads),
      () => this.begin(stream, reads),
    );
    return reads.next;
  }

  /** Some of the last reading was wrong. */
  forget(stream: string): void {
    const reads = this.streams.get(stream);
    if (reads) reads.last = undefined;
  }

  private begin(stream: string, reads: Reads): Promise<GroupReading> {
    reads.next = undefined;
    const current = this.read(stream, reads).finally(() => {
      if (reads.current === current) reads.current = undefined;
    });
    reads.current = current;
    return current;
  }

  private async read(stream: string, reads: Reads): Promise<GroupReading> {
    const members = await this.port.members(stream, this.group);
    const reading = new GroupReading(members, this.instance);
    reads.last = { reading, at: this.clock.now() };
    return reading;
  }

  private readsOf(stream: string): Reads {
    let reads = this.streams.get(stream);
    if (!reads) this.streams.set(stream, (reads = {}));
    return reads;
  }
}
