import { durableName } from '../names/names.js';
import type { JsStream, StreamInfo } from '../streams/js-stream.js';
import type { Streams } from '../streams/streams.js';
import {
  epochOf,
  settledUpToOf,
  type DurableInfo,
  type Durables,
  type NewDurable,
} from './durables.js';
import type { GroupRecord, GroupRecords, KeptGroup } from './group-records.js';

/** The group that a consumer wants to read. */
export interface WantedGroup {
  readonly stream: string;
  readonly group: string;
  /** `0`, `$` or the id behind which a new group begins. */
  readonly startId: string;
  readonly ackWait: number;
  /** Create the group, and its stream, where they are missing. */
  readonly create: boolean;
}

export interface FoundGroup {
  readonly word: 'there';
  readonly js: JsStream;
  readonly info: DurableInfo;
  /** Set where this call has made the durable: the sequence behind which it begins. */
  readonly madeBehind?: number;
}

export type OpenedGroup =
  | FoundGroup
  | { readonly word: 'deleted' }
  | { readonly word: 'no-stream' }
  | { readonly word: 'no-group' };

export interface GroupsParts {
  readonly streams: Streams;
  readonly durables: Durables;
  readonly records: GroupRecords;
}

/** Makes the durables of groups, and knows which groups were deleted on purpose. */
export class Groups {
  constructor(readonly parts: GroupsParts) {}

  /**
   * Finds the durable of a group, for a consumer that begins to read it. Changes its settings where
   * they differ. Makes it where it is missing, behind what the group is known to have settled.
   */
  async open(wanted: WantedGroup): Promise<OpenedGroup> {
    for (;;) {
      const opened = await this.tryToOpen(wanted);
      if (opened) return opened;
    }
  }

  /** The number behind which a group begins that is told to begin at `0`, `$` or an id. */
  async positionOf(js: JsStream, startId: string): Promise<number | undefined> {
    if (startId !== '$') return Number(startId);
    const info: StreamInfo | undefined = await this.parts.streams.info(js);
    return info?.state.last_seq;
  }

  /**
   * Makes the durable that a record tells of, in place of any other. Returns undefined where the stream
   * was deleted meanwhile.
   */
  async replace(
    js: JsStream,
    wanted: Omit<NewDurable, keyof Located>,
  ): Promise<DurableInfo | undefined> {
    const { durables, streams } = this.parts;
    const located = locate(js, wanted.group);
    for (;;) {
      const made = await durables.create({ ...wanted, ...located });
      if (typeof made === 'object') return made;
      if (made === 'no-stream') {
        streams.forget(js.stream);
        return undefined;
      }
      const found = await durables.info(located);
      if (typeof found === 'object' && epochOf(found) === wanted.epoch) return found;
      await durables.delete(located);
    }
  }

  /** Notes how far the group has come, so that a durable that is made again begins there. */
  async note(stream: string, group: string, info: DurableInfo): Promise<void> {
    const { records } = this.parts;
    const kept = await records.read(stream, group);
    const settledUpTo = settledUpToOf(info);
    if (!kept || kept.deleted || kept.epoch !== epochOf(info)) return;
    if (settledUpTo <= (kept.settledUpTo ?? kept.startId)) return;
    await records.write(stream, group, { ...kept, settledUpTo }, kept);
  }

  /** Undefined: something changed meanwhile. */
  private async tryToOpen(wanted: WantedGroup): Promise<OpenedGroup | undefined> {
    const { streams, durables, records } = this.parts;
    const { stream, group, create, ackWait } = wanted;
    // Where its settings cannot be as the options say, the error is that of the stream.
    const known = await streams.find(stream);
    const kept = await records.read(stream, group);
    if (kept?.deleted) return { word: 'deleted' };
    const js = known ?? (create ? await streams.of(stream) : undefined);
    if (!js) return { word: 'no-stream' };
    const located = locate(js, group);
    const found = await durables.info(located);
    if (found === 'no-stream') {
      streams.forget(stream);
      return undefined;
    }
    if (found === 'no-durable') {
      return create ? this.make(js, wanted, kept) : { word: 'no-group' };
    }
    const info = await durables.reconcile(found, { ...located, ackWait });
    return typeof info === 'object' ? { word: 'there', js, info } : undefined;
  }

  private async make(
    js: JsStream,
    { stream, group, startId, ackWait }: WantedGroup,
    before: KeptGroup | undefined,
  ): Promise<OpenedGroup | undefined> {
    const { durables, records } = this.parts;
    const record = before ?? (await this.begin(js, group, startId));
    if (!record) return undefined;
    const { epoch } = record;
    const behind = record.settledUpTo ?? record.startId;
    const located = locate(js, group);
    const info = await durables.create({ ...located, group, behind, epoch, ackWait });
    if (info === 'no-stream') this.parts.streams.forget(stream);
    if (typeof info !== 'object') return undefined;
    // It was deleted on purpose before this one was made.
    if ((await records.read(stream, group))?.deleted) {
      await durables.delete(located);
      return { word: 'deleted' };
    }
    return { word: 'there', js, info, madeBehind: behind };
  }

  private async begin(
    js: JsStream,
    group: string,
    startId: string,
  ): Promise<GroupRecord | undefined> {
    const position = await this.positionOf(js, startId);
    if (position === undefined) return undefined;
    const record: GroupRecord = { startId: position, epoch: 1 };
    const written = await this.parts.records.write(js.stream, group, record, undefined);
    return written ? record : undefined;
  }
}

type Located = Pick<NewDurable, 'jsStream' | 'durable' | 'subject'>;

/** Where the durable of a group is. */
export const locate = ({ name, subject }: JsStream, group: string): Located => ({
  jsStream: name,
  durable: durableName(group),
  subject,
});
