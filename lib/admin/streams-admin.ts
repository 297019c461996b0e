import type { EventBus } from '../core/event-bus.js';
import { text } from '../core/option-schema/kinds.js';
import { refuse } from '../core/option-schema/refuse.js';
import { AdminReport } from '../core/admin-report.js';
import type { Codec } from '../core/codecs/codec.js';
import type { DeadLetterQueue } from '../ports/dead-letters.js';
import type { DelayStore } from '../ports/delays.js';
import { UnsupportedFeatureError } from '../core/errors/start-up.errors.js';
import type { GroupAdmin, PendingEntries } from '../ports/group-admin.js';
import type { HeldEntries } from '../ports/held-entries.js';
import type { IdFormat } from '../ports/id-format.js';
import type { LiveConsumers } from '../ports/live-consumers.js';
import { ConsumerGroupManager } from './groups/consumer-groups.js';
import { DeadLetters } from './dead-letters/dead-letters.js';
import { HeldMessages } from './dead-letters/held-messages.js';
import type { GroupLag } from '../core/lag.js';
import type { StreamRetention } from './retention/stream-retention.js';
import { DelayedMessages, type OnScheduled } from './delays/delayed-messages.js';

/** Ports that the operations use. A driver may lack some of them. */
export interface AdminParts {
  readonly technology: string;
  readonly codec: Codec;
  readonly ids: IdFormat;
  readonly groups: GroupAdmin | undefined;
  readonly pending: PendingEntries | undefined;
  readonly live: LiveConsumers | undefined;
  readonly deadLetters: DeadLetterQueue | undefined;
  readonly held: HeldEntries | undefined;
  readonly retention: StreamRetention;
  readonly lag: LagReader;
  readonly delays: DelayStore | undefined;
  /** Called with the due times of rescheduled messages. */
  readonly onScheduled: OnScheduled;
  /** Told of each action. */
  readonly events?: EventBus;
}

/** Reads how far groups are behind. */
export interface LagReader {
  /**
   * Returns one row for each group. A value that the server does not know is `null`.
   * @param streams @default the streams consumed here, and those that thresholds name
   * @throws UnsupportedFeatureError, and errors of the connection
   */
  read(streams?: readonly string[]): Promise<GroupLag[]>;
}

/**
 * All operations on streams in one place. Injectable. An operation whose port the driver lacks
 * rejects with an UnsupportedFeatureError.
 */
export class StreamsAdmin {
  /** @internal Injection tokens use this name, because a bundler may rename the class. */
  static readonly token: string = 'StreamsAdmin';
  /** Consumer groups and their pending entries. */
  readonly groups: ConsumerGroupManager;
  /** Dead letters. */
  readonly deadLetters: DeadLetters;
  /** Messages on hold. */
  readonly heldMessages: HeldMessages;
  /** What streams keep. */
  readonly retention: StreamRetention;
  /** How far groups are behind. */
  readonly lag: LagReader;
  /** Messages that wait until they are due. */
  readonly delayedMessages: DelayedMessages;

  /** @internal */
  constructor(
    private readonly parts: AdminParts,
    private readonly report: AdminReport = new AdminReport(parts.events),
  ) {
    const { technology, codec, groups, pending, live, deadLetters, delays, onScheduled } = parts;
    this.retention = parts.retention;
    this.lag = parts.lag;
    const lacking = <Port extends object>(what: string, advice: string): Port =>
      refusing<Port>(new UnsupportedFeatureError(what, technology, advice));
    this.groups = new ConsumerGroupManager(
      groups ?? lacking('Administration of groups', 'Use a driver with the port groups.'),
      pending ??
        lacking('Administration of pending entries', 'Use a driver with the port pending.'),
      live ?? lacking('Listing live consumers', 'Use a driver with the port live.'),
      parts.ids,
      technology,
      report,
    );
    this.deadLetters = new DeadLetters(
      deadLetters ?? lacking('Listing dead letters', 'Fill the slot deadLetterQueue.'),
      codec,
      report,
    );
    this.heldMessages = new HeldMessages(
      parts.held ?? lacking('Holding messages', 'Use a driver with the port held.'),
      codec,
      report,
    );
    this.delayedMessages = new DelayedMessages(
      delays ?? lacking('Delaying messages', 'Use a driver with the port delays.'),
      codec,
      onScheduled,
      report,
    );
  }

  /**
   * The same operations in the name of an operator: the event `administered` of each of them says
   * `by`. The name is only reported, and gives no rights.
   * @param by for example the login of the user of a dashboard
   * @throws InvalidOptionsError
   */
  as(by: string): StreamsAdmin {
    refuse(text().required().problems(by, 'by'));
    return new StreamsAdmin(this.parts, this.report.as(by));
  }
}

/**
 * A port whose methods all reject, so that only a caller of an operation learns that its port is
 * missing.
 */
function refusing<Port extends object>(error: UnsupportedFeatureError): Port {
  const refuse = async (): Promise<never> => {
    throw error;
  };
  return new Proxy({} as Port, { get: () => refuse });
}
