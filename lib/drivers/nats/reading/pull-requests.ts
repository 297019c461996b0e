import type { Msg, Subscription } from '@nats-io/transport-node';
import { Backoff } from '../../../core/backoff.js';
import { systemClock } from '../../../core/clock.js';
import type { PermissionDeniedError } from '../../../core/errors/server.errors.js';
import { ReadAnswers } from '../../connections/read-answers.js';
import type { NatsConnection } from '../connection/nats-connection.js';
import { typedError } from '../errors/typed-error.js';
import type { DurableName } from '../groups/durable-settings.js';

/** How long after its end a request counts as lost that the server has not ended, in milliseconds. */
const GRACE = 500;
const NANOSECONDS = 1_000_000;
/** Reasons for the end of a request that pass by themselves. */
const PASSING = /leadership change|server shutdown|max ?waiting|batch completed|interest/i;

/** A request that the server has not ended yet. */
interface Asked {
  readonly count: number;
  readonly sentAt: number;
  /** When it counts as lost. */
  readonly until: number;
}

export interface PullRequestsOptions {
  readonly connection: NatsConnection;
  /** Called with each message, while the client reads what has arrived. */
  readonly onMessage: (message: Msg) => void;
  /** Called where the server knows no such durable, or has no leader for it. */
  readonly onMissing: () => void;
  /** Called where more may be asked for. */
  readonly onEnded: () => void;
  /** Called where the server refuses requests: once for each reason, until messages come again. */
  readonly onFailed: (error: Error) => void;
}

/**
 * Asks one durable for messages, and knows how many of them are still to come. A request ends when all
 * of its messages have come, or when its time is over: then the server says how many are missing.
 */
export class PullRequests {
  /** How many messages the server may still send. */
  awaited = 0;
  /** No message that comes now was sent before this time of `systemClock.now()`. */
  since = 0;
  readonly answers = new ReadAnswers();
  private readonly asked = new Map<string, Asked>();
  private readonly backoff = new Backoff();
  private inbox = '';
  private subscription: Subscription | undefined;
  private next = 0;
  private last = 0;
  /** Nothing is asked for before, after the server has refused a request. */
  private notBefore = 0;
  /** Most messages of one request, where the server has a limit. */
  private most = Infinity;
  /** Where requests go. */
  private subject = '';
  private unlisten: (() => void) | undefined;
  /** The refusal that was told last. */
  private told: string | undefined;
  /** It is found out what the server has sent. */
  private looking = false;

  constructor(private readonly options: PullRequestsOptions) {}

  /**
   * Asks for messages. Does nothing while the server cannot be reached.
   * @param wanted how many; where the server has a limit, no more than that
   * @param expires for how long the server waits for messages, in milliseconds
   */
  ask(durable: DurableName, wanted: number, expires: number): void {
    const count = Math.min(wanted, this.most);
    const client = this.options.connection.live;
    const now = systemClock.now();
    if (!client || now < this.notBefore) return;
    this.listen();
    const token = String(++this.next);
    if (this.awaited === 0) this.since = now;
    this.last = now + expires + GRACE;
    this.answers.asked();
    this.asked.set(token, { count, sentAt: now, until: this.last });
    this.awaited += count;
    const body = JSON.stringify({ batch: count, expires: Math.ceil(expires) * NANOSECONDS });
    this.subject = `$JS.API.CONSUMER.MSG.NEXT.${durable.jsStream}.${durable.durable}`;
    client.publish(this.subject, body, { reply: `${this.inbox}.${token}` });
  }

  /** When to look again for requests that the server has lost, by `systemClock.now()`. */
  get lookAt(): number {
    if (this.looking) return Infinity;
    return this.awaited > 0 ? this.last : this.notBefore;
  }

  /**
   * Looks for requests that the server has not ended in time. They are forgotten once all has arrived
   * here that it had sent before: where this process has stood still, that may be a lot.
   */
  look(now: number): void {
    const oldest = this.oldest;
    if (this.looking || !oldest || oldest.until > now) return;
    this.looking = true;
    const { connection, onEnded } = this.options;
    void connection
      .flush('looking for pull requests that were lost')
      .then(
        () => this.forgetUntil(now),
        () => undefined,
      )
      .finally(() => {
        this.looking = false;
        onEnded();
      });
  }

  /** The requests are void: the connection broke, or there is another durable. */
  reset(): void {
    this.asked.clear();
    this.answers.dropped();
    this.awaited = 0;
  }

  /** Ends the reading: resolves when all that the server had sent has been handed to `onMessage`. */
  async end(): Promise<void> {
    const { subscription } = this;
    this.subscription = undefined;
    this.unlisten?.();
    this.unlisten = undefined;
    this.reset();
    if (!subscription || subscription.isClosed()) return;
    if (!this.options.connection.live) return subscription.unsubscribe();
    // Without a connection, and when the driver closes, nothing comes any more.
    await subscription.drain().catch(() => subscription.unsubscribe());
  }

  private get oldest(): Asked | undefined {
    return this.asked.values().next().value;
  }

  private forgetUntil(end: number): void {
    for (const [token, { until }] of this.asked) {
      if (until > end) break;
      this.asked.delete(token);
    }
    this.noteOldest();
  }

  private noteOldest(): void {
    const { oldest } = this;
    if (oldest) this.since = oldest.sentAt;
    else this.awaited = 0;
  }

  private listen(): void {
    const { connection } = this.options;
    this.unlisten ??= connection.onRefused.add((error) => this.refused(error));
    if (this.subscription) return;
    this.inbox = connection.inbox();
    this.subscription = connection.live!.subscribe(`${this.inbox}.*`, {
      // What is thrown here would end the reading of the whole connection.
      callback: (error, message) => {
        try {
          if (error) this.deafened(error);
          else if (message.reply) this.arrived(message);
          else this.ended(message);
        } catch (thrown) {
          this.options.onFailed(thrown as Error);
        }
      },
    });
  }

  /** The client has closed the subscription, as where this user may not subscribe any more. */
  private deafened(error: Error): void {
    this.subscription = undefined;
    // Each subscription has a subject of its own: the message differs each time.
    this.pause(typedError(error, 'subscribing to messages'), 'subscribing');
  }

  /** The server does not let this user ask, and has no other answer to the requests. */
  private refused(error: PermissionDeniedError): void {
    if (this.awaited > 0 && error.key === this.subject) this.pause(error);
  }

  /** The requests are void. Others follow later. */
  private pause(error: Error, reason?: string): void {
    this.reset();
    this.notBefore = systemClock.now() + this.backoff.next();
    this.fail(error, reason);
    this.options.onEnded();
  }

  private fail(error: Error, reason = error.message): void {
    this.answers.refused(error);
    if (reason === this.told) return;
    this.told = reason;
    this.options.onFailed(error);
  }

  private arrived(message: Msg): void {
    this.told = undefined;
    this.answers.answered();
    if (this.awaited > 0 && --this.awaited === 0) this.asked.clear();
    this.options.onMessage(message);
  }

  /** The server says that it sends no more for a request, or that it does not know the durable. */
  private ended({ subject, headers }: Msg): void {
    const code = headers?.code ?? 0;
    const token = subject.slice(subject.lastIndexOf('.') + 1);
    const request = this.asked.get(token);
    if (code === 100 || !request) return;
    this.asked.delete(token);
    const missing = Number(headers!.get('Nats-Pending-Messages') || request.count);
    this.awaited = Math.max(0, this.awaited - missing);
    this.noteOldest();
    this.tell(code, headers!.description);
  }

  private tell(code: number, description: string): void {
    const { onMissing, onEnded } = this.options;
    this.answers.dropped();
    if (code === 408 || code === 404) {
      this.told = undefined;
      this.answers.answered();
      this.backoff.reset();
      return onEnded();
    }
    this.notBefore = systemClock.now() + this.backoff.next();
    if (code === 503 || /consumer deleted/i.test(description)) {
      this.reset();
      onMissing();
    } else if (!PASSING.test(description)) {
      this.most = Number(/MaxRequestBatch of (\d+)/i.exec(description)?.[1] ?? this.most);
      this.fail(new Error(`NATS refuses requests for messages: ${description}`));
    }
    onEnded();
  }
}
