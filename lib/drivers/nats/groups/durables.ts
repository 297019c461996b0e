import type { DriverParts } from '../connection/driver-parts.js';
import { NatsStreamSettingsError } from '../errors/stream-settings.error.js';
import { API_ERRORS, isReply, NatsReplyError } from '../errors/nats-reply.error.js';
import { OURS, otherSettings } from '../streams/stream-settings.js';
import {
  announcedOf,
  changedSettings,
  configOf,
  EPOCH,
  loweredConfig,
  MADE,
  NANOSECONDS,
  settingsOf,
  type DurableConfig,
  type DurableInfo,
  type DurableName,
  type NewDurable,
} from './durable-settings.js';

export type Absent = 'no-durable' | 'no-stream';

/** The durable consumers of JetStream streams. */
export class Durables {
  constructor(private readonly parts: Pick<DriverParts, 'connection'>) {}

  async info({ jsStream, durable }: DurableName): Promise<DurableInfo | Absent> {
    const action = 'looking for a durable';
    return this.unlessAbsent(() =>
      this.api<DurableInfo>(action, `CONSUMER.INFO.${jsStream}.${durable}`),
    );
  }

  /** Makes a durable. `exists`: there is one of that name that was made in another way. */
  async create(wanted: NewDurable): Promise<DurableInfo | Absent | 'exists'> {
    const config = { ...configOf(wanted), ...settingsOf(wanted) };
    try {
      return await this.unlessAbsent(() => this.send(wanted, config, 'create'));
    } catch (error) {
      if (isReply(error, EXISTS)) return 'exists';
      throw error;
    }
  }

  /**
   * Changes the settings of a durable that are not as they are wanted. Where it begins is not one of
   * them. A shorter `ackWait` holds at once where no consumer reads: consumers that read count their entries
   * as theirs for the longer time until they are told. Returns its state.
   * @throws NatsStreamSettingsError where the server cannot change a setting
   */
  async reconcile(
    info: DurableInfo,
    wanted: Pick<NewDurable, 'jsStream' | 'durable' | 'subject' | 'ackWait'>,
  ): Promise<DurableInfo | Absent> {
    const settings = changedSettings(info, wanted);
    const others = otherSettings(info.config, settings);
    if (others.length === 0) return info;
    try {
      const config = { ...info.config, ...settings };
      return await this.unlessAbsent(() => this.send(wanted, config, 'update'));
    } catch (error) {
      if (!(error instanceof NatsReplyError)) throw error;
      throw new NatsStreamSettingsError(`${wanted.jsStream} > ${wanted.durable}`, others, error);
    }
  }

  /** Lowers `ack_wait` where all consumers were told for long enough. Returns the state. */
  async lower(
    durable: DurableName & { readonly subject: string },
    info: DurableInfo,
  ): Promise<DurableInfo> {
    const config = loweredConfig(info);
    if (!config) return info;
    const lowered = await this.unlessAbsent(() => this.send(durable, config, 'update'));
    return typeof lowered === 'object' ? lowered : info;
  }

  /** Returns false where there was no such durable. */
  async delete(name: DurableName): Promise<boolean> {
    const { jsStream, durable } = name;
    try {
      const found = await this.unlessAbsent(() =>
        this.api<object>('deleting a durable', `CONSUMER.DELETE.${jsStream}.${durable}`),
      );
      return typeof found === 'object';
    } catch (error) {
      // The server may fail to remove the files of a durable that it has forgotten already.
      const isReplied = error instanceof NatsReplyError;
      if (isReplied && typeof (await this.info(name)) === 'string') return true;
      throw error;
    }
  }

  /** Undefined: there is no such stream. */
  async list(jsStream: string): Promise<DurableInfo[] | undefined> {
    const all: DurableInfo[] = [];
    for (;;) {
      const page = await this.unlessAbsent(() =>
        this.api<{ readonly consumers: DurableInfo[] | null; readonly total: number }>(
          'listing durables',
          `CONSUMER.LIST.${jsStream}`,
          { offset: all.length },
        ),
      );
      if (typeof page === 'string') return undefined;
      all.push(...(page.consumers ?? []));
      if (!page.consumers?.length || all.length >= page.total) return all;
    }
  }

  private send(
    { jsStream, durable, subject }: Pick<NewDurable, 'jsStream' | 'durable' | 'subject'>,
    config: DurableConfig,
    action: 'create' | 'update',
  ): Promise<DurableInfo> {
    const request = { stream_name: jsStream, config, action };
    const api = `CONSUMER.CREATE.${jsStream}.${durable}.${subject}`;
    return this.api(`${action.slice(0, -1)}ing a durable`, api, request);
  }

  private async unlessAbsent<T extends object>(ask: () => Promise<T>): Promise<T | Absent> {
    try {
      return await ask();
    } catch (error) {
      if (isReply(error, API_ERRORS.consumerNotFound)) return 'no-durable';
      if (isReply(error, API_ERRORS.streamNotFound)) return 'no-stream';
      throw error;
    }
  }

  private async api<T extends object>(action: string, subject: string, body?: object): Promise<T> {
    const js = await this.parts.connection.js(action);
    return js.request<T>(action, subject, body);
  }
}

/** JetStream: "consumer already exists", with other settings. */
const EXISTS = 10148;

/** The group of a durable: by its metadata, or by its name where another program has made it. */
export const groupOf = ({ name, config }: DurableInfo): string => config.metadata?.[OURS] ?? name;

/** The record of the group that a durable was made by. Undefined: another program has made it. */
export function epochOf({ config }: DurableInfo): number | undefined {
  const epoch = config.metadata?.[EPOCH];
  return epoch === undefined ? undefined : Number(epoch);
}

/**
 * When the durable was made, in microseconds since the epoch: rises where it is made again. 0: another
 * program has made it. What the server says of that time is another one after it was killed.
 */
export const generationOf = ({ config }: Pick<DurableInfo, 'config'>): number =>
  Number(config.metadata?.[MADE] ?? 0);

/** The time after which an entry may go to another consumer, now or soon, in milliseconds. */
export const ackWaitOf = (info: Pick<DurableInfo, 'config'>): number =>
  Math.min((info.config.ack_wait ?? 0) / NANOSECONDS, announcedOf(info)?.ackWait ?? Infinity);

/**
 * The sequence up to which a group has settled everything, and what it skipped at its beginning. 0:
 * nothing.
 */
export function settledUpToOf(info: DurableInfo): number {
  if (info.num_ack_pending === 0) return info.delivered.stream_seq;
  return Math.max(info.ack_floor.stream_seq, (info.config.opt_start_seq ?? 1) - 1);
}
