import { durableName } from '../names/names.js';
import { GroupNotFoundError, StreamNotFoundError } from '../../../core/errors/group.errors.js';
import { tryUntilDone } from '../streams/attempts.js';
import { isSameStream, type JsStream, type StreamInfo } from '../streams/js-stream.js';
import type { Streams } from '../streams/streams.js';
import type { DurableInfo, NewDurable } from './durable-settings.js';
import { epochOf, generationOf, settledUpToOf, type Durables } from './durables.js';
import {
  nextGeneration,
  type GroupRecord,
  type GroupRecords,
  type KeptGroup,
} from './group-records.js';

/** The group that a consumer wants to read. */
export interface WantedGroup {
  readonly stream: string;
  readonly group: string;
  /** `0`, `$` or the id behind which a new group begins. */
  readonly startId: string;
  readonly ackWait: number;
  /** What the consumer has read before, so that the group begins there where its record is lost, too. */
  readonly before?: ReadBefore | undefined;
  /** Create the group, and its stream, where they are missing. */
  readonly create: boolean;
}

/** A stream as a consumer has read it. */
export interface ReadBefore {
  readonly js: JsStream;
  /** The sequence up to which the group had settled everything, when that was looked at last. */
  readonly settledUpTo: number;
}

export interface FoundGroup {
  readonly word: 'there';
  readonly js: JsStream;
  readonly info: DurableInfo;
  /** Set where this call has made the durable: where it begins. */
  readonly made?: Beginning;
}

/** Where the durable of a group begins. */
export interface Beginning {
  /** The sequence behind which it begins. */
  readonly behind: number;
  /** The group had come so far in a stream that was deleted: another stream has its name now. */
  readonly lostUpTo?: number;
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
  open(wanted: WantedGroup): Promise<OpenedGroup> {
    return tryUntilDone(
      () => this.tryToOpen(wanted),
      () => new StreamNotFoundError(wanted.stream),
    );
  }

  /** Whether a group was deleted on purpose. */
  async isDeleted(stream: string, group: string): Promise<boolean> {
    return (await this.parts.records.read(stream, group))?.deleted === true;
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
    const made = await tryUntilDone(
      async () => {
        const created = await durables.create({ ...wanted, ...located });
        if (created !== 'exists') return created;
        const found = await durables.info(located);
        if (typeof found === 'object' && epochOf(found) === wanted.epoch) return found;
        await durables.delete(located);
        return undefined;
      },
      () => new GroupNotFoundError(js.stream, wanted.group),
    );
    if (typeof made === 'object') return made;
    streams.forget(js.stream);
    return undefined;
  }

  /**
   * Where a group goes on whose durable is missing. Where the stream is another one than the group has
   * read, it begins at the beginning of that stream. Where the stream has lost messages at its end, the
   * group goes on at that end. Returns undefined where something changed meanwhile.
   */
  async resume(
    js: JsStream,
    group: string,
    record: KeptGroup,
  ): Promise<{ readonly record: GroupRecord; readonly beginning: Beginning } | undefined> {
    const { records, streams } = this.parts;
    const before = record.settledUpTo ?? record.startId;
    const { epoch, streamMade = js.created } = record;
    const isSame = isSameStream(streamMade, js.created);
    const info = await streams.info(js);
    if (!info) return undefined;
    const beginning = isSame
      ? { behind: Math.min(before, info.state.last_seq) }
      : { behind: 0, lostUpTo: before };
    const again: GroupRecord = {
      ...(isSame ? record : { startId: 0, epoch }),
      ...{ streamMade: js.created, generation: nextGeneration(record) },
    };
    const written = await records.write(js.stream, group, again, record);
    return written ? { record: again, beginning } : undefined;
  }

  /** Notes how far the group has come, so that a durable that is made again begins there. */
  async note({ stream, created }: JsStream, group: string, info: DurableInfo): Promise<void> {
    const { records } = this.parts;
    const kept = await records.read(stream, group);
    const settledUpTo = settledUpToOf(info);
    const epoch = epochOf(info);
    if (epoch === undefined) return;
    if (!kept) {
      // An operator has deleted the records of groups.
      const generation = generationOf(info);
      const record = { startId: settledUpTo, epoch, streamMade: created, generation };
      await records.write(stream, group, record, undefined);
      return;
    }
    if (kept.deleted || kept.epoch !== epoch) return;
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
      // What is remembered of the stream may be out of date.
      return create ? this.make(await streams.renew(stream), wanted, kept) : { word: 'no-group' };
    }
    if (kept && (epochOf(found) ?? kept.epoch) < kept.epoch) {
      // A process died while it moved the group: its durable is of the place before.
      await durables.delete(located);
      return undefined;
    }
    const info = await durables.reconcile(found, { ...located, ackWait });
    return typeof info === 'object' ? { word: 'there', js, info } : undefined;
  }

  private async make(
    js: JsStream,
    wanted: WantedGroup,
    kept: KeptGroup | undefined,
  ): Promise<OpenedGroup | undefined> {
    const { durables, records } = this.parts;
    const { stream, group, ackWait } = wanted;
    const resumed = kept ? await this.resume(js, group, kept) : await this.begin(js, wanted);
    if (!resumed) return undefined;
    const { record, beginning } = resumed;
    const { epoch, generation = nextGeneration() } = record;
    const { behind } = beginning;
    const located = locate(js, group);
    const info = await durables.create({
      ...located,
      ...{ group, behind, epoch, generation, ackWait },
    });
    if (info === 'no-stream') this.parts.streams.forget(stream);
    if (typeof info !== 'object') return undefined;
    // It was deleted on purpose before this one was made.
    if ((await records.read(stream, group))?.deleted) {
      await durables.delete(located);
      return { word: 'deleted' };
    }
    return { word: 'there', js, info, made: beginning };
  }

  private async begin(
    js: JsStream,
    { group, startId, before }: WantedGroup,
  ): Promise<{ readonly record: GroupRecord; readonly beginning: Beginning } | undefined> {
    const position = before ? goingOn(before, js) : await this.positionOf(js, startId);
    if (position === undefined) return undefined;
    const record: GroupRecord = {
      ...{ startId: position, epoch: 1, streamMade: js.created },
      generation: nextGeneration(),
    };
    const written = await this.parts.records.write(js.stream, group, record, undefined);
    return written ? { record, beginning: { behind: position } } : undefined;
  }
}

/** Where a consumer reads on. Of another stream of this name it has read nothing. */
const goingOn = ({ js: before, settledUpTo }: ReadBefore, js: JsStream): number =>
  isSameStream(before.created, js.created) ? settledUpTo : 0;

type Located = Pick<NewDurable, 'jsStream' | 'durable' | 'subject'>;

/** Where the durable of a group is. */
export const locate = ({ name, subject }: JsStream, group: string): Located => ({
  jsStream: name,
  durable: durableName(group),
  subject,
});
