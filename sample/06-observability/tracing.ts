import { setTimeout as pause } from 'node:timers/promises';
import {
  InMemorySpanExporter,
  NodeTracerProvider,
  SimpleSpanProcessor,
  type ReadableSpan,
} from '@opentelemetry/sdk-trace-node';

// An application sends its spans to a collector: it takes the exporter of OTLP in place of this one.
const exporter = new InMemorySpanExporter();
const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
provider.register();

/** Prints the trace that begins with the span `root`, once its span `last` has ended. */
export async function printTrace(root: string, last: string): Promise<void> {
  for (;;) {
    const lines = traceOf(root);
    if (lines.some((line) => line.trim() === last))
      return lines.forEach((line) => console.log(line));
    await pause(10);
  }
}

/** One line for each span of the trace, below its parent. */
function traceOf(root: string): string[] {
  const spans = exporter.getFinishedSpans();
  const first = spans.find(({ name }) => name === root);
  return first ? linesOf(first, spans, '  ') : [];
}

function linesOf(span: ReadableSpan, all: readonly ReadableSpan[], indent: string): string[] {
  const { spanId } = span.spanContext();
  const children = all
    .filter(({ parentSpanContext }) => parentSpanContext?.spanId === spanId)
    .sort((a, b) => timeOf(a) - timeOf(b));
  const error = span.attributes['error.type'];
  const line = `${indent}${span.name}${error === undefined ? '' : ` (${String(error)})`}`;
  return [line, ...children.flatMap((child) => linesOf(child, all, `${indent}  `))];
}

const timeOf = ({ startTime: [seconds, nanoseconds] }: ReadableSpan): number =>
  seconds * 1e9 + nanoseconds;
