import { chunksOf } from '../../../core/collections/chunks.js';
import {
  GroupHasPendingError,
  GroupNotFoundError,
  StreamNotFoundError,
} from '../../../core/errors/group.errors.js';
import type { GroupAdmin, StreamReport } from '../../../ports/group-admin.js';
import type { DriverParts } from '../connection/driver-parts.js';
import type { Redriven } from '../dead-letters/redriven.js';
import { tryUntilDone } from '../streams/attempts.js';
import type { JsStream } from '../streams/js-stream.js';
import { describeStream } from './describe-stream.js';
import type { DurableInfo } from './durable-settings.js';
import { ackWaitOf, settledUpToOf } from './durables.js';
import { locate, type Groups } from './groups.js';
import { nextGeneration, type KeptGroup } from './group-records.js';
import { redrivenDurable } from './redriven-durable.js';

/** Streams that are described at a time. */
const AT_ONCE = 20;
/** Of a durable that no consumer has read yet, in milliseconds. Each consumer sets its own. */
const ACK_WAIT = 30_000;

export interface GroupAdminParts extends Pick<DriverParts, 'connection' | 'names'> {
  readonly groups: Groups;
  readonly redriven: Redriven;
}

/** The groups of streams: durable consumers, and a record for each. */
export class NatsGroupAdmin implements GroupAdmin {
  constructor(private readonly parts: GroupAdminParts) {}

  create(
    stream: string,
    group: string,
    { startId, createStream }: { readonly startId: string; readonly createStream: boolean },
  ): Promise<boolean> {
    return this.untilDone(stream, async () => {
      const { groups } = this.parts;
      const { records, durables } = groups.parts;
      const js = await this.streamOf(stream, createStream);
      const before = await records.read(stream, group);
      const found = await durables.info(locate(js, group));
      if (typeof found === 'object' && !before?.deleted) return false;
      const position = await groups.positionOf(js, startId);
      if (found === 'no-stream' || position === undefined) return undefined;
      // A group whose durable is gone is still there: it goes on where it was.
      if (before && !before.deleted) return (await this.repair(js, group, before)) && false;
      const epoch = (before?.epoch ?? 0) + 1;
      const generation = nextGeneration(before);
      const record = { startId: position, epoch, streamMade: js.created, generation };
      // Another call creates it at this moment.
      if (!(await records.write(stream, group, record, before))) return false;
      const made = { group, behind: position, epoch, generation, ackWait: ACK_WAIT };
      await groups.replace(js, made);
      return true;
    });
  }

  delete(stream: string, group: string): Promise<boolean> {
    return this.untilDone(stream, async () => {
      const { groups, redriven, names } = this.parts;
      const { records, durables, streams } = groups.parts;
      const js = await streams.find(stream);
      const before = await records.read(stream, group);
      const located = js && locate(js, group);
      const found = located ? await durables.info(located) : 'no-stream';
      const isThere = typeof found === 'object';
      if (before?.deleted || (!before && !isThere)) return false;
      const epoch = (before?.epoch ?? 0) + 1;
      const mark = { ...before, startId: 0, epoch, deleted: true } as const;
      if (!(await records.write(stream, group, mark, before))) return undefined;
      if (located) await durables.delete(located);
      await durables.delete(redrivenDurable(names, redriven, stream, group));
      await redriven.forget(stream, group);
      return isThere;
    });
  }

  async describe(streams: readonly string[]): Promise<(StreamReport | undefined)[]> {
    const parts = { ...this.parts, ...this.parts.groups.parts };
    const reports: (StreamReport | undefined)[] = [];
    for (const some of chunksOf(streams, AT_ONCE)) {
      reports.push(...(await Promise.all(some.map((stream) => describeStream(parts, stream)))));
    }
    // An error of a closed driver, also where nothing was asked.
    if (streams.length === 0) await this.parts.connection.client('describing streams');
    return reports;
  }

  async setPosition(stream: string, group: string, id: string): Promise<void> {
    await this.untilDone(stream, async () => {
      const { groups } = this.parts;
      const { records, durables } = groups.parts;
      const js = await this.streamOf(stream, false);
      const before = await records.read(stream, group);
      const found = await durables.info(locate(js, group));
      const position = await groups.positionOf(js, id);
      if (found === 'no-stream' || position === undefined) return undefined;
      const info = typeof found === 'object' ? found : undefined;
      refuseMissing(stream, group, before, info);
      if (info) refusePending(stream, group, info, position);
      const epoch = (before?.epoch ?? 0) + 1;
      const generation = nextGeneration(before);
      const record = { startId: position, epoch, streamMade: js.created, generation };
      if (!(await records.write(stream, group, record, before))) return undefined;
      if (info) await durables.delete(locate(js, group));
      const ackWait = info ? ackWaitOf(info) : ACK_WAIT;
      await groups.replace(js, { group, behind: position, epoch, generation, ackWait });
      return true;
    });
  }

  /** Makes the durable of a group again. Returns undefined where something changed meanwhile. */
  private async repair(js: JsStream, group: string, before: KeptGroup): Promise<true | undefined> {
    const { groups } = this.parts;
    const resumed = await groups.resume(js, group, before);
    if (!resumed) return undefined;
    const { behind } = resumed.beginning;
    const { epoch, generation = nextGeneration() } = resumed.record;
    await groups.replace(js, { group, behind, epoch, generation, ackWait: ACK_WAIT });
    return true;
  }

  /** What is remembered of the stream may be out of date: it is looked for each time. */
  private untilDone<T>(stream: string, attempt: () => Promise<T | undefined>): Promise<T> {
    return tryUntilDone(
      () => {
        this.parts.groups.parts.streams.forget(stream);
        return attempt();
      },
      () => new StreamNotFoundError(stream),
    );
  }

  private async streamOf(stream: string, create: boolean): Promise<JsStream> {
    const { streams } = this.parts.groups.parts;
    const js = create ? await streams.of(stream) : await streams.find(stream);
    if (!js) throw new StreamNotFoundError(stream);
    return js;
  }
}

function refuseMissing(
  stream: string,
  group: string,
  record: KeptGroup | undefined,
  info: DurableInfo | undefined,
): void {
  if (record?.deleted) throw new GroupNotFoundError(stream, group, 'deleted');
  if (!record && !info) throw new GroupNotFoundError(stream, group);
}

/** The server would forget which entries are pending. Those behind the new position would be lost. */
function refusePending(stream: string, group: string, info: DurableInfo, position: number): void {
  const { num_ack_pending: pending } = info;
  const upTo = settledUpToOf(info);
  if (pending === 0 || position <= upTo) return;
  throw new GroupHasPendingError(stream, group, pending, String(upTo));
}
