import { answerOf, AnswerKind, errorFromJson, isLast, type Answer } from '../core/answer.js';
import type { Clock } from '../core/clock.js';
import { AnswerLostError, RequestTimeoutError } from '../core/errors/request.errors.js';
import { ClosedError } from '../core/errors/start-up.errors.js';
import type { Sending } from '../core/instrumentation.js';
import type { Fields, OutgoingEntry } from '../core/message.js';
import type { Replies, ReplyBox } from '../ports/replies.js';
import { asRequest } from '../core/request-header.js';
import type { MessageSource } from '../ports/source.js';
import { InstrumentedAsker } from './instrumented-asker.js';
import { PendingRequest, type Asker } from './pending-request.js';

export interface RequesterOptions {
  readonly replies: Replies;
  readonly source: Pick<MessageSource, 'publish'>;
  readonly clock: Clock;
  /** Called once the requester is closed. */
  readonly onClosed?: () => void;
}

/** A request to publish. */
export interface Question {
  readonly eventType: string;
  readonly entry: OutgoingEntry;
  /** Longest wait for the first answer, and for each further one, in milliseconds. */
  readonly timeout: number;
  /** Ended by the requester. @default the request is not instrumented */
  readonly sending?: Sending | undefined;
}

/**
 * Publishes requests. All answers arrive in one reply box; the requester passes each to the caller
 * that waits for it.
 */
export class Requester {
  private readonly pending = new Map<number, PendingRequest>();
  private readonly box: ReplyBox;
  private count = 0;
  private closing: Promise<void> | undefined;

  constructor(private readonly options: RequesterOptions) {
    this.box = options.replies.open({
      onReplies: (replies) => this.arrived(replies),
      onLost: (error) => this.failAll(error),
      waiting: () => this.pending.size > 0,
    });
  }

  /** Publishes a request. @returns a function that stops waiting for answers */
  ask({ eventType, entry, timeout, sending }: Question, asker: Asker): () => void {
    const id = ++this.count;
    const instrumented = sending && new InstrumentedAsker(sending, asker);
    const request = new PendingRequest(eventType, entry.stream, timeout, instrumented ?? asker);
    // The timer starts first: the time that connecting takes counts, too.
    request.dueAt = this.options.clock.now() + timeout;
    request.timer = this.options.clock.setTimeout(() => this.due(id, request), timeout);
    this.pending.set(id, request);
    void this.publish(id, entry, timeout);
    return () => {
      this.take(id);
      instrumented?.end();
    };
  }

  /** Fails all pending requests. Idempotent. */
  close(): Promise<void> {
    this.closing ??= this.box.close().finally(this.options.onClosed);
    this.failAll(new ClosedError('The client'));
    return this.closing;
  }

  private async publish(id: number, entry: OutgoingEntry, timeout: number): Promise<void> {
    try {
      if (this.closing) throw new ClosedError('The client');
      const opening = this.box.ready();
      if (opening) await opening;
      if (!this.pending.has(id)) return;
      const request = asRequest(entry, { box: this.box.address, id, timeout });
      const [result] = await this.options.source.publish([request]);
      if (result instanceof Error) throw result;
    } catch (error) {
      this.fail(id, error as Error);
    }
  }

  private arrived(replies: readonly Fields[]): void {
    for (const fields of replies) {
      const answer = answerOf(fields);
      const request = answer && this.pending.get(answer.id);
      // The request was cancelled, has failed, or another run answered it before.
      if (!request) continue;
      try {
        if (answer.kind === AnswerKind.Refused) this.refused(request, answer);
        else this.answered(request, answer);
      } catch (error) {
        // An answer that cannot be read fails only its own request.
        request.asker.failed(error as Error);
        this.take(answer.id);
      }
    }
  }

  private answered(request: PendingRequest, answer: Answer): void {
    const { id, kind, body } = answer;
    const judgement = request.judge(answer);
    if (judgement === 'ignored') return;
    if (judgement === 'gap') return this.fail(id, new AnswerLostError(request.eventType));
    if (isLast(kind)) this.take(id);
    else request.dueAt = this.options.clock.now() + request.timeout;
    if (kind === AnswerKind.Failed) request.asker.failed(errorFromJson(body));
    else request.asker.answered(kind, body);
  }

  /**
   * Another group may still answer. When all groups that read the stream have refused, none will.
   */
  private refused(request: PendingRequest, { id, body }: Answer): void {
    request.refusals.push(errorFromJson(body));
    // Where the number of groups cannot be read, one refusal is enough.
    const asked = this.options.replies.readers(request.stream).catch(() => 1);
    void asked.then((readers) => {
      if (request.refusals.length >= readers) this.fail(id, request.refusals[0]!);
    });
  }

  private due(id: number, request: PendingRequest): void {
    const { clock } = this.options;
    const left = request.dueAt - clock.now();
    if (left > 0) {
      request.timer = clock.setTimeout(() => this.due(id, request), left);
      return;
    }
    const { eventType, timeout, refusals } = request;
    this.fail(id, new RequestTimeoutError(eventType, timeout, refusals[0]));
  }

  private take(id: number): PendingRequest | undefined {
    const request = this.pending.get(id);
    if (!request) return undefined;
    this.pending.delete(id);
    this.options.clock.clearTimeout(request.timer);
    return request;
  }

  private fail(id: number, error: Error): void {
    this.take(id)?.asker.failed(error);
  }

  private failAll(error: Error): void {
    for (const id of [...this.pending.keys()]) this.fail(id, error);
  }
}
