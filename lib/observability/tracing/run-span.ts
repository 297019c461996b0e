import type { Attributes, Context, Link, Span, Tracer } from '@opentelemetry/api';
import { systemClock } from '../../core/clock.js';
import type { Delivery } from '../../core/delivery.js';
import { isSettlement, type Settlement } from '../../core/settlement.js';
import { ATTRIBUTE, OPERATION, OWN_ATTRIBUTE } from '../conventions/messaging.js';
import { failed, failedAs } from './failure.js';
import { contextIn } from './message-context.js';
import type { TracingParts } from './tracing-parts.js';

/** The span of one run: of a message, or of a batch. */
export class RunSpan {
  /** The context of the run: its span, and the baggage of the message. */
  readonly context: Context;
  /** Time of its end by the system's clock, in milliseconds. Undefined: it goes on. */
  endedAt: number | undefined;
  private readonly span: Span;

  constructor(
    private readonly parts: TracingParts,
    tracer: Tracer,
    deliveries: readonly Delivery[],
  ) {
    const { api, settings } = parts;
    const [first] = deliveries as [Delivery];
    const isBatch = first.handler?.batch !== undefined;
    const contexts = deliveries.map(({ message }) => contextIn(api, message.metadata));
    // Which messages meet in a batch is chance: neither the trace nor the baggage of one is that of all.
    const before = isBatch ? api.ROOT_CONTEXT : contexts[0]!;
    const options = {
      kind: api.SpanKind.CONSUMER,
      root: isBatch || settings.ownTrace,
      links: contexts.flatMap((context, at) => this.linkTo(context, deliveries[at]!, isBatch)),
      attributes: {
        ...parts.common,
        ...attributesOf(first),
        ...(isBatch ? { [ATTRIBUTE.batchSize]: deliveries.length } : messageAttributes(first)),
      },
    };
    this.span = tracer.startSpan(`${OPERATION.process} ${destinationOf(first)}`, options, before);
    this.context = api.trace.setSpan(before, this.span);
  }

  /** Whether spans that follow are recorded, too. */
  get isSampled(): boolean {
    const { traceFlags } = this.span.spanContext();
    return (traceFlags & this.parts.api.TraceFlags.SAMPLED) !== 0;
  }

  /** Runs the work in the context of the span, and ends the span with it. */
  async around<T>(work: () => Promise<T>): Promise<T> {
    const { api } = this.parts;
    try {
      const result = await api.context.with(this.context, work);
      this.note(result);
      return result;
    } catch (error) {
      failed(api, this.span, error);
      throw error;
    } finally {
      this.end();
    }
  }

  /**
   * Ends the span of a run that goes on though its message was given up, or its time was over.
   * @param settlement what became of the message
   */
  endBefore(settlement: Settlement): void {
    // A method may go on after its message was handled.
    if (this.endedAt !== undefined || settlement.kind === 'ack') return;
    const error = 'error' in settlement ? settlement.error : undefined;
    failedAs(this.parts.api, this.span, error?.name ?? settlement.kind, error?.message);
    this.end();
  }

  private end(): void {
    if (this.endedAt !== undefined) return;
    this.endedAt = systemClock.now();
    this.span.end();
  }

  /** A run may fail without an error that it throws: it was refused by a pipe, or answered with an error. */
  private note(result: unknown): void {
    if (!isSettlement(result)) return;
    const { api } = this.parts;
    const error = 'error' in result ? result.error : undefined;
    if (result.kind === 'dead-letter') {
      failedAs(api, this.span, error?.name ?? result.reason, error?.message);
      this.span.setAttribute(OWN_ATTRIBUTE.reason, result.reason);
    } else if (error) failedAs(api, this.span, error.name, error.message);
  }

  private linkTo(context: Context, delivery: Delivery, isBatch: boolean): Link[] {
    const { trace } = this.parts.api;
    const created = trace.getSpanContext(context);
    if (!created || !trace.isSpanContextValid(created)) return [];
    return [{ context: created, ...(isBatch && { attributes: messageAttributes(delivery) }) }];
  }
}

/** Attributes of all spans of a consumer. */
export const attributesOf = ({ stream, group, handler }: Delivery): Attributes => ({
  [ATTRIBUTE.operationName]: OPERATION.process,
  [ATTRIBUTE.operationType]: OPERATION.process,
  [ATTRIBUTE.destination]: stream,
  [ATTRIBUTE.group]: group,
  ...(handler && { [OWN_ATTRIBUTE.handler]: handler.name }),
});

/** Attributes of one message. */
export const messageAttributes = ({ id, eventType, attempt, lease }: Delivery): Attributes => ({
  [ATTRIBUTE.messageId]: id,
  [OWN_ATTRIBUTE.eventType]: eventType,
  [OWN_ATTRIBUTE.attempt]: attempt,
  ...(lease.partition !== undefined && { [ATTRIBUTE.partition]: lease.partition }),
});

/** Names of spans must be few: a load balancer may have a stream for each job. */
export const destinationOf = ({ stream, group, lease }: Delivery): string =>
  lease.owned ? group : stream;
