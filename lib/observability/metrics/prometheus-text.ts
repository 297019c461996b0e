import type { Clock } from '../../core/clock.js';
import { DURATION_BOUNDS } from '../conventions/messaging.js';
import { prometheusLabel, prometheusName } from './catalog.js';
import { LoopTime } from './loop-time.js';
import type { MetricSeries, Series } from './series.js';

/** Media type of the text format of Prometheus. */
export const PROMETHEUS_TEXT = 'text/plain; version=0.0.4; charset=utf-8';

const BOUNDS = [...DURATION_BOUNDS.map(String), '+Inf'];

/**
 * Writes metrics in the text format of Prometheus, piece by piece. The event loop goes on between the
 * pieces: a page of many series is long.
 */
export async function* prometheusText(
  metrics: readonly MetricSeries[],
  clock: Pick<Clock, 'now'>,
): AsyncGenerator<string, void, undefined> {
  const time = new LoopTime(clock);
  let piece = '';
  for (const metric of metrics) {
    const { definition } = metric;
    const name = prometheusName(definition);
    piece += `# HELP ${name} ${definition.help}\n# TYPE ${name} ${definition.kind}\n`;
    // Series that appear meanwhile come with the next page.
    for (const series of [...metric.all]) {
      piece += linesOf(metric, name, series);
      if (!time.isUp) continue;
      yield piece;
      piece = '';
      await time.pass();
    }
  }
  yield piece;
}

function linesOf(metric: MetricSeries, name: string, series: Series): string {
  const { kind, attributes } = metric.definition;
  const labels = labelsOf(attributes, series.labels);
  if (kind !== 'histogram') {
    return `${name}${labels && `{${labels}}`} ${metric.valueOf(series)}\n`;
  }
  const { counts, count, sum } = metric.histogramOf(series);
  const before = labels && `${labels},`;
  let lines = '';
  let total = 0;
  for (let index = 0; index < counts.length; index++) {
    total += counts[index]!;
    lines += `${name}_bucket{${before}le="${BOUNDS[index]}"} ${total}\n`;
  }
  const braces = labels && `{${labels}}`;
  return `${lines}${name}_sum${braces} ${sum}\n${name}_count${braces} ${count}\n`;
}

/** The labels of a series, without those that are empty: to Prometheus they are the same. */
function labelsOf(attributes: readonly string[], values: readonly string[]): string {
  return attributes
    .flatMap((attribute, index) =>
      values[index] ? [`${prometheusLabel(attribute)}="${escaped(values[index])}"`] : [],
    )
    .join(',');
}

function escaped(value: string): string {
  if (!/[\\"\n]/.test(value)) return value;
  return value
    .replaceAll('\\', String.raw`\\`)
    .replaceAll('"', String.raw`\"`)
    .replaceAll('\n', String.raw`\n`);
}
