import type {
  Instrumentation,
  InstrumentationFactory,
  MessageToSend,
  Sending,
  SendingKind,
} from '../../core/instrumentation.js';
import type { Delivery } from '../../core/delivery.js';
import type { Metadata } from '../../core/message.js';
import { refuse } from '../../core/option-schema/refuse.js';
import type { Settlement, SettleOutcome } from '../../core/settlement.js';
import { loadApi } from './load-api.js';
import { metadataWith } from './message-context.js';
import { RunSpan } from './run-span.js';
import { SendSpan } from './send-span.js';
import { recordSettlement } from './settle-span.js';
import { TRACING_OPTIONS, type TracingOptions } from './tracing-options.js';
import { TracingParts } from './tracing-parts.js';

/**
 * Traces messages by OpenTelemetry. For transports and clients that are made without a module; others
 * import `StreamsTracingModule`.
 *
 * ```ts
 * new RedisStreamsTransport({ url, group, instrumentation: streamsTracing() });
 * ```
 * @throws InvalidOptionsError
 * @throws MissingPackageError where `@opentelemetry/api` is not installed
 */
export function streamsTracing(options: TracingOptions = {}): InstrumentationFactory {
  refuse(TRACING_OPTIONS.problems(options));
  const api = loadApi();
  const settings = TRACING_OPTIONS.complete(options);
  return ({ technology }) => new Tracing(new TracingParts(api, settings, technology));
}

/** Makes spans of sending, processing and settling. Does nothing while no SDK has been started. */
class Tracing implements Instrumentation {
  constructor(private readonly parts: TracingParts) {}

  sending(messages: readonly MessageToSend[], kind: SendingKind): Sending {
    const { parts } = this;
    const { tracer } = parts;
    return tracer ? new SendSpan(parts, tracer, messages, kind) : UNTRACED;
  }

  run<T>(deliveries: readonly Delivery[], work: () => Promise<T>): Promise<T> {
    const { parts } = this;
    const { tracer } = parts;
    if (!tracer) return work();
    const span = new RunSpan(parts, tracer, deliveries);
    for (const delivery of deliveries) delivery.instrumented = span;
    return span.around(work);
  }

  following({ instrumented }: Delivery): Metadata | undefined {
    if (!(instrumented instanceof RunSpan)) return undefined;
    return metadataWith(this.parts.api, instrumented.context, undefined);
  }

  settled(delivery: Delivery, settlement: Settlement, outcome: SettleOutcome): void {
    const { instrumented } = delivery;
    const run = instrumented instanceof RunSpan ? instrumented : undefined;
    run?.endBefore(settlement);
    if (!this.parts.settings.settleSpans) return;
    recordSettlement(this.parts, { delivery, settlement, outcome, run });
  }
}

/** A call while no SDK is there. */
const UNTRACED: Sending = {
  metadataOf: () => undefined,
  within: (work) => work(),
  ended: () => undefined,
};
