/** Types of the bench; nothing here exists when it runs. */

/** What every message of the bench carries. `sent` is when it left its producer, monotonic ms. */
export interface Payload {
  readonly n: number;
  readonly sent?: number;
}

/** The work of a handler. Group 0 unless several groups read the same stream. */
export type Handle = (payload: Payload, group: number) => void | Promise<void>;

export interface ConsumeOptions {
  readonly url: string;
  /** Where the relay of an outbox publishes to: the url of Redis. Default: the server itself. */
  readonly target?: string;
  /** Streams, or the name of the one queue or channel. */
  readonly streams: readonly string[];
  readonly groups: readonly string[];
  /** Handlers that run at a time. */
  readonly concurrency: number;
  /** Wait before a failed message runs again, ms. */
  readonly retryDelay: number;
}

export interface Publisher {
  publish(payload: Payload): Promise<unknown>;
  publishBatch?(payloads: readonly Payload[]): Promise<unknown>;
  close(): Promise<unknown>;
}

/** A way to consume and publish, written as its users would write it. */
export interface System {
  /** Begins to consume; what it answers ends it. */
  consume?(options: ConsumeOptions, handle: Handle): Promise<() => Promise<unknown>>;
  publisher?(options: { url: string; target?: string; stream: string }): Promise<Publisher>;
  /** Begins to answer requests with their payload; what it answers ends it. */
  serve?(options: { url: string; pattern: string }): Promise<() => Promise<unknown>>;
  /** Its `publish` sends a request, and awaits the answer. */
  requester?(options: { url: string; pattern: string }): Promise<Publisher>;
}

/** What the handler does, and how its messages are counted. */
export interface Work {
  /** Messages of each group, numbered from 0. */
  readonly total: number;
  readonly groups?: number;
  /** How long each run takes, ms. */
  readonly sleep?: number;
  /** The first run of every n-th message fails. */
  readonly failEvery?: number;
  /** Keep how long each message was on its way. */
  readonly latency?: boolean;
  /** Note the memory after every so many messages. */
  readonly memoryEvery?: number;
}

/** What one consumer process did. Times are monotonic ms, the same clock in all processes. */
export interface Report {
  /** How often each message was handled, group after group. */
  readonly counts: Uint8Array;
  readonly failedRuns: number;
  readonly first: number;
  readonly last: number;
  /** Latency of each message, ms. */
  readonly latencies: Float64Array | undefined;
  /** Resident memory after every `memoryEvery` messages, MB. */
  readonly memory: readonly number[];
  readonly peakMb: number;
}

/** One measured run of an entrant: figures by name. */
export type Sample = Record<string, number>;

/** One who takes part in a case. */
export interface Entrant {
  readonly label: string;
  readonly system: string;
  /** The workload's own settings for it. */
  readonly total?: number;
  readonly streams?: number;
  readonly groups?: number;
  readonly consumers?: number;
  readonly batch?: number;
}

/** Entrants that are measured in turn, round by round. */
export interface Case {
  readonly label: string;
  /** Label of the entrant that the others are compared with. */
  readonly baseline: string;
  readonly entrants: readonly Entrant[];
  readonly size?: number;
  readonly rate?: number;
  readonly inFlight?: number;
}

/** A figure of a sample, and how it is shown. */
export interface Measure {
  readonly key: string;
  readonly label: string;
  readonly digits?: number;
  /** Show it relative to the baseline too. */
  readonly compared?: boolean;
  readonly lessIsBetter?: boolean;
}

export interface Run {
  readonly stage: import('./stage.js').Stage;
  readonly case: Case;
  readonly entrant: Entrant;
  /** A short run before the first round, so that code is compiled; its figures are not kept. */
  readonly warmUp: boolean;
}

export interface EntrantResult {
  readonly label: string;
  readonly system: string;
  /** One per round, in the order of the rounds. */
  readonly samples: readonly Sample[];
}

export interface CaseResult {
  readonly label: string;
  readonly baseline: string;
  readonly entrants: readonly EntrantResult[];
}

export interface Workload {
  readonly name: string;
  readonly title: string;
  /** What is done and measured, in a sentence or two. */
  readonly text: string;
  /** The first one is drawn. */
  readonly measures: readonly Measure[];
  /** Fewer rounds than asked for, where a run is long and steady. */
  readonly mostRounds?: number;
  /** Without a warm-up. */
  readonly cold?: boolean;
  /** Part of a quick run. */
  readonly quick?: boolean;
  /** Takes so long that it has to be asked for. */
  readonly long?: boolean;
  cases(quick: boolean): readonly Case[];
  run(run: Run): Promise<Sample>;
  /** The figures that have a name of their own in the JSON output. */
  figures?(cases: readonly CaseResult[]): Record<string, number>;
}

export interface WorkloadResult {
  readonly workload: Workload;
  readonly cases: readonly CaseResult[];
}

/** Where, when, how and with what it was measured. */
export interface About {
  readonly date: string;
  readonly quick: boolean;
  readonly rounds: number;
  readonly machine: { cpu: string; cores: number; memoryGb: number; system: string };
  readonly versions: Record<string, string>;
}
