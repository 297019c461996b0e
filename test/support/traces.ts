import {
  InMemorySpanExporter,
  NodeTracerProvider,
  SimpleSpanProcessor,
  type ReadableSpan,
} from '@opentelemetry/sdk-trace-node';
import { afterAll, beforeEach } from 'vitest';

/** The spans that were recorded since the test began. */
export interface Traces {
  readonly spans: () => readonly ReadableSpan[];
  /** The spans with this name, in the order in which they began. */
  readonly named: (name: string) => readonly ReadableSpan[];
  /** The only span with this name. */
  readonly one: (name: string) => ReadableSpan;
  /** Names of all spans, each behind its parent's as `parent > child`, sorted. */
  readonly tree: () => readonly string[];
}

/** Records all spans of the test file in memory, by the SDK. Call it once, at the top of the file. */
export function recordTraces(): Traces {
  const exporter = new InMemorySpanExporter();
  const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
  provider.register();
  beforeEach(() => exporter.reset());
  afterAll(() => provider.shutdown());
  const spans = (): readonly ReadableSpan[] => exporter.getFinishedSpans();
  const named = (name: string): readonly ReadableSpan[] =>
    spans()
      .filter((span) => span.name === name)
      .toSorted((a, b) => a.startTime[0] - b.startTime[0] || a.startTime[1] - b.startTime[1]);
  return {
    spans,
    named,
    one: (name) => {
      const [span, ...others] = named(name);
      if (!span || others.length > 0) throw new Error(`${named(name).length} spans "${name}"`);
      return span;
    },
    tree: () => treeOf(spans()),
  };
}

/** Each span behind its parent's name. */
export function treeOf(spans: readonly ReadableSpan[]): readonly string[] {
  const names = new Map(spans.map((span) => [span.spanContext().spanId, span.name]));
  return spans
    .map(({ name, parentSpanContext: parent }) =>
      parent ? `${names.get(parent.spanId) ?? '?'} > ${name}` : name,
    )
    .toSorted();
}

export const traceIdOf = (span: ReadableSpan): string => span.spanContext().traceId;
