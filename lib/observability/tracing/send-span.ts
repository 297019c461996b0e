import type { Context, Link, Span, Tracer } from '@opentelemetry/api';
import type { MessageToSend, Sending, SendingKind } from '../../core/instrumentation.js';
import type { Metadata } from '../../core/message.js';
import { ATTRIBUTE, OPERATION, OWN_ATTRIBUTE } from '../conventions/messaging.js';
import { failed } from './failure.js';
import { contextIn, metadataWith } from './message-context.js';
import type { TracingParts } from './tracing-parts.js';

/** The span of one call that sends messages. Its context travels in each of them. */
export class SendSpan implements Sending {
  private readonly span: Span;
  private readonly context: Context;
  /** Whether the caller has given the message a context, which then stays as it is. */
  private readonly given: readonly boolean[];

  constructor(
    private readonly parts: TracingParts,
    tracer: Tracer,
    private readonly messages: readonly MessageToSend[],
    kind: SendingKind,
  ) {
    const { api } = parts;
    const active = api.context.active();
    const links = messages.map(({ metadata }) => this.linkTo(metadata));
    this.given = links.map((link) => link !== undefined);
    const operation = kind === 'create' ? OPERATION.create : OPERATION.send;
    const stream = streamOf(messages);
    // A span whose context travels in no message is no producer of any.
    const carries = this.given.includes(false);
    this.span = tracer.startSpan(
      stream === undefined ? operation : `${operation} ${stream}`,
      {
        kind: carries ? api.SpanKind.PRODUCER : api.SpanKind.CLIENT,
        links: links.filter((link) => link !== undefined),
        attributes: {
          ...parts.common,
          [ATTRIBUTE.operationName]: operation,
          [ATTRIBUTE.operationType]: operation,
          ...(stream !== undefined && { [ATTRIBUTE.destination]: stream }),
          ...sizeOrType(messages),
        },
      },
      active,
    );
    this.context = api.trace.setSpan(active, this.span);
  }

  metadataOf(index: number): Metadata | undefined {
    if (this.given[index]) return undefined;
    return metadataWith(this.parts.api, this.context, this.messages[index]!.metadata);
  }

  within<T>(work: () => T): T {
    return this.parts.api.context.with(this.context, work);
  }

  ended(outcome?: readonly (string | Error)[] | Error): void {
    const results = outcome instanceof Error ? [outcome] : (outcome ?? []);
    const error = results.find((result) => result instanceof Error);
    if (error) failed(this.parts.api, this.span, error);
    else if (results.length === 1)
      this.span.setAttribute(ATTRIBUTE.messageId, results[0] as string);
    this.span.end();
  }

  private linkTo(metadata: Metadata | undefined): Link | undefined {
    if (!metadata) return undefined;
    const { api } = this.parts;
    const context = api.trace.getSpanContext(contextIn(api, metadata));
    return context && api.trace.isSpanContextValid(context) ? { context } : undefined;
  }
}

/** Undefined where they go to several streams. */
function streamOf(messages: readonly MessageToSend[]): string | undefined {
  const { stream } = messages[0]!;
  return messages.every((message) => message.stream === stream) ? stream : undefined;
}

const sizeOrType = (messages: readonly MessageToSend[]): Record<string, string | number> =>
  messages.length > 1
    ? { [ATTRIBUTE.batchSize]: messages.length }
    : { [OWN_ATTRIBUTE.eventType]: messages[0]!.eventType };
