import type { DriverParts } from '../connection/driver-parts.js';
import { NatsStreamSettingsError, NatsSubjectTakenError } from '../errors/stream-settings.error.js';
import { DELAYS_SINCE } from '../errors/delays-unsupported.error.js';
import { API_ERRORS, isReply, NatsReplyError } from '../errors/nats-reply.error.js';
import { tryUntilDone } from './attempts.js';
import type { JsStream, StreamInfo } from './js-stream.js';
import {
  newStream,
  otherSettings,
  OURS,
  refusesWhenFull,
  wantedSettings,
  withSubjectsOf,
} from './stream-settings.js';

/** Most streams that are remembered. The one that was used first is forgotten first. */
const MOST_KNOWN = 10_000;
const LOOKING = 'looking for a stream';

/**
 * The JetStream streams of the application's streams. Those of this driver are made where they are
 * missing, and changed once in each process where their settings differ from the options: the later
 * start wins. Streams of other programs that have the subject already are used as they are.
 */
export class Streams {
  private readonly known = new Map<string, Promise<JsStream | undefined>>();
  /** Streams whose settings were compared with the options. */
  private readonly reconciled = new Set<string>();
  /** Streams of others that were told of. */
  private readonly told = new Set<string>();

  constructor(private readonly parts: DriverParts) {}

  /**
   * Returns the stream, and makes it where it is missing. Answers from memory after the first time.
   * @throws NatsStreamSettingsError where the server cannot change a setting
   */
  async of(stream: string): Promise<JsStream> {
    return (await this.known.get(stream)) ?? (await this.remember(stream, this.make(stream)));
  }

  /** Returns the stream. Undefined: there is none, and none is made. */
  async find(stream: string): Promise<JsStream | undefined> {
    const known = await this.known.get(stream);
    return known ?? (await this.remember(stream, this.lookFor(stream)));
  }

  /** As {@link of}, and asks the server again. */
  renew(stream: string): Promise<JsStream> {
    this.forget(stream);
    return this.of(stream);
  }

  /** The server is asked again the next time. */
  forget(stream: string): void {
    this.known.delete(stream);
  }

  /** The state of the stream now. Undefined: it was deleted. */
  async info({ stream, name, subject }: JsStream): Promise<StreamInfo | undefined> {
    const info = await this.infoOf(name, { subjects_filter: subject });
    if (!info) this.forget(stream);
    return info;
  }

  /** What was not found, or failed, is not remembered. */
  private async remember<T extends JsStream | undefined>(
    stream: string,
    asked: Promise<T>,
  ): Promise<T> {
    if (this.known.size >= MOST_KNOWN) this.known.delete(this.known.keys().next().value!);
    this.known.set(stream, asked);
    const forget = (): void => {
      if (this.known.get(stream) === asked) this.known.delete(stream);
    };
    try {
      const found = await asked;
      if (!found) forget();
      return found;
    } catch (error) {
      forget();
      throw error;
    }
  }

  private make(stream: string): Promise<JsStream> {
    return tryUntilDone(
      async () => (await this.lookFor(stream)) ?? (await this.create(stream)),
      () => this.taken(stream),
    );
  }

  /** The error of a stream whose subjects others have. */
  private async taken(stream: string): Promise<Error> {
    const subjects = this.wanted(stream)['subjects'] as readonly string[];
    const others = await Promise.all(subjects.map((subject) => this.namesOf(subject)));
    return new NatsSubjectTakenError(stream, subjects, [...new Set(others.flat())]);
  }

  private async lookFor(stream: string): Promise<JsStream | undefined> {
    const { names } = this.parts;
    const subject = names.subject(stream);
    const own = await this.infoOf(names.stream(stream));
    if (own?.config.metadata?.[OURS] === stream) {
      await this.reconcile(stream, own);
      return streamOf(stream, subject, own);
    }
    return this.lookForOthers(stream, subject);
  }

  /** A stream of another program that has the subject. */
  private async lookForOthers(stream: string, subject: string): Promise<JsStream | undefined> {
    const [name] = await this.namesOf(subject);
    const info = name === undefined ? undefined : await this.infoOf(name);
    if (!info) return undefined;
    // An operator has restored a stream of this driver under another name.
    if (info.config.metadata?.[OURS] === stream) return streamOf(stream, subject, info);
    this.tell(stream, info.config.name);
    return { ...streamOf(stream, subject, info), foreign: true, firstEver: 0 };
  }

  /** The JetStream streams that have a subject. */
  private async namesOf(subject: string): Promise<readonly string[]> {
    const js = await this.parts.connection.js(LOOKING);
    const { streams } = await js.request<{ readonly streams?: readonly string[] | null }>(
      LOOKING,
      'STREAM.NAMES',
      { subject },
    );
    return streams ?? [];
  }

  /** Undefined: another stream has one of its subjects, maybe made at this moment. */
  private async create(stream: string): Promise<JsStream | undefined> {
    const { names, connection } = this.parts;
    const subject = names.subject(stream);
    const config = newStream(stream, names.stream(stream), this.wanted(stream));
    const action = `creating stream "${stream}"`;
    const js = await connection.js(action);
    try {
      const info = await js.request<StreamInfo>(action, `STREAM.CREATE.${config.name}`, config);
      this.noteReconciled(stream);
      return streamOf(stream, subject, info);
    } catch (error) {
      if (isReply(error, API_ERRORS.subjectsOverlap)) return undefined;
      // A stream of this name that is not ours, and has other subjects, would be there for ever.
      if (!isReply(error, API_ERRORS.streamNameInUse) || !(await this.isOurs(stream))) throw error;
      return undefined;
    }
  }

  private async isOurs(stream: string): Promise<boolean> {
    const info = await this.infoOf(this.parts.names.stream(stream));
    return !info || info.config.metadata?.[OURS] === stream;
  }

  private async reconcile(stream: string, { config }: StreamInfo): Promise<void> {
    // Two processes with different options do not undo each other's settings again and again.
    if (this.reconciled.has(stream)) return;
    const wanted = withSubjectsOf(config, this.wanted(stream));
    const others = otherSettings(config, wanted);
    if (others.length === 0) return this.noteReconciled(stream);
    const action = `changing the settings of stream "${stream}"`;
    const js = await this.parts.connection.js(action);
    try {
      await js.request(action, `STREAM.UPDATE.${config.name}`, { ...config, ...wanted });
      this.noteReconciled(stream);
    } catch (error) {
      if (!(error instanceof NatsReplyError)) throw error;
      if (isReply(error, API_ERRORS.streamNotFound)) return;
      throw new NatsStreamSettingsError(config.name, others, error);
    }
  }

  private noteReconciled(stream: string): void {
    if (this.reconciled.size < MOST_KNOWN) this.reconciled.add(stream);
  }

  private wanted(stream: string): Record<string, unknown> {
    const { names, settings, connection } = this.parts;
    const subject = names.subject(stream);
    const known = connection.atLeast(DELAYS_SINCE);
    if (!known || refusesWhenFull(settings)) return wantedSettings(settings, [subject]);
    const wanted = wantedSettings(settings, [subject, names.delayed(stream)]);
    // Without a limit it means nothing, and the server allows schedules only with `old`.
    return { ...wanted, discard: 'old', allow_msg_schedules: true };
  }

  private async infoOf(name: string, query?: object): Promise<StreamInfo | undefined> {
    const js = await this.parts.connection.js(LOOKING);
    try {
      return await js.request<StreamInfo>(LOOKING, `STREAM.INFO.${name}`, query);
    } catch (error) {
      if (isReply(error, API_ERRORS.streamNotFound)) return undefined;
      throw error;
    }
  }

  private tell(stream: string, name: string): void {
    if (this.told.has(stream) || this.told.size >= MOST_KNOWN) return;
    this.told.add(stream);
    const message =
      `Another program has made the JetStream stream "${name}", which has the subject of stream ` +
      `"${stream}". It is used as it is: none of its settings is changed, and the option streams does ` +
      'not apply to it.';
    this.parts.events.emit('warning', { code: 'NATS_FOREIGN_STREAM', message });
  }
}

const streamOf = (stream: string, subject: string, info: StreamInfo): JsStream => ({
  ...{ stream, subject, foreign: false },
  name: info.config.name,
  created: Date.parse(info.created),
  firstEver: info.config.first_seq ?? 1,
});
