/** One stream of the application, as JetStream has it. */
export interface JsStream {
  /** As the application calls it. */
  readonly stream: string;
  /** The JetStream stream. */
  readonly name: string;
  readonly subject: string;
  /** Another program has made it, maybe for more subjects. The driver changes no setting of it. */
  readonly foreign: boolean;
  /** When it was made, in milliseconds since the epoch: see {@link isSameStream}. */
  readonly created: number;
  /** The sequence of its first message. 0: not known. */
  readonly firstEver: number;
}

/** Settings of a JetStream stream, by the names of JetStream. Times are in nanoseconds. */
export interface StreamConfig {
  readonly [setting: string]: unknown;
  readonly name: string;
  readonly subjects?: readonly string[];
  readonly first_seq?: number;
  readonly metadata?: Readonly<Record<string, string>>;
}

export interface StreamState {
  readonly messages: number;
  readonly bytes: number;
  readonly first_seq: number;
  readonly last_seq: number;
  /** Messages by subject, where the question names a filter. */
  readonly subjects?: Readonly<Record<string, number>>;
}

/** What `STREAM.INFO` answers. */
export interface StreamInfo {
  readonly config: StreamConfig;
  readonly created: string;
  readonly state: StreamState;
}

/** What servers change the time by, when they are killed, at which a stream was made, in milliseconds. */
const SHIFT = 50;

/** Whether streams that were made at these times are one stream, and not another of the same name. */
export const isSameStream = (created: number, other: number): boolean =>
  Math.abs(created - other) < SHIFT;
