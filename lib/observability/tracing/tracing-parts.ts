import type { ProxyTracerProvider, Tracer, TracerProvider } from '@opentelemetry/api';
import { ATTRIBUTE, SYSTEM } from '../conventions/messaging.js';
import type { OtelApi } from './load-api.js';
import type { TracingSettings } from './tracing-options.js';

/** The instrumentation scope of all spans. */
const SCOPE = 'nestjs-redis-streams';

/** What the spans of one runtime are made with. */
export class TracingParts {
  /** Attributes of every span. */
  readonly common: Readonly<Record<string, string>>;
  private provider: TracerProvider | undefined;
  private known: Tracer | undefined;

  constructor(
    readonly api: OtelApi,
    readonly settings: TracingSettings,
    technology: string,
  ) {
    this.common = { [ATTRIBUTE.system]: SYSTEM[technology] ?? technology };
  }

  /**
   * The tracer. Undefined: the application has started no SDK yet, so nothing is recorded and
   * nothing need be paid. Asked for each message: an SDK may start later.
   */
  get tracer(): Tracer | undefined {
    const provider = this.api.trace.getTracerProvider();
    if (provider === this.provider) return this.known;
    // Until an SDK is registered, the provider passes its calls on to no other.
    const { getDelegateTracer } = provider as Partial<ProxyTracerProvider>;
    if (getDelegateTracer && !getDelegateTracer.call(provider, SCOPE)) return undefined;
    this.provider = provider;
    this.known = provider.getTracer(SCOPE);
    return this.known;
  }
}
