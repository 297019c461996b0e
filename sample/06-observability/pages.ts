import { setTimeout as pause } from 'node:timers/promises';
import type { HealthCode, HealthReport } from 'nestjs-redis-streams/health';

const METRICS = [
  'nestjs_redis_streams_settled_messages_total',
  'nestjs_redis_streams_given_up_messages_total',
];

/** Prints what the probes of Kubernetes get, with the first cause. */
export async function printHealth(url: string): Promise<void> {
  for (const page of ['live', 'ready']) {
    const response = await fetch(`${url}/health/${page}`);
    const { status, causes } = (await response.json()) as HealthReport;
    const [cause] = causes.map(({ code }) => `: ${code}`);
    console.log(`  /health/${page} ${response.status} ${status}${cause ?? ''}`);
  }
}

/** Resolves when readiness has this status, for this reason if one is given. */
export async function untilHealth(
  url: string,
  wanted: HealthReport['status'],
  reason?: HealthCode,
): Promise<void> {
  for (;;) {
    const response = await fetch(`${url}/health/ready`);
    const { status, causes } = (await response.json()) as HealthReport;
    const [first] = causes;
    if (status === wanted && (reason === undefined || first?.code === reason)) return;
    await pause(50);
  }
}

/** Prints two of the counters. The page has histograms and gauges, too. */
export async function printMetrics(url: string): Promise<void> {
  const page = await (await fetch(`${url}/metrics`)).text();
  for (const metric of METRICS) {
    console.log(`  ${metric}`);
    const series = page.split('\n').filter((line) => line.startsWith(`${metric}{`));
    for (const line of series.map(shortened).sort()) console.log(`    ${line}`);
  }
}

/** A line of the page, with some of its labels. */
function shortened(line: string): string {
  const label = (name: string): string => new RegExp(`${name}="([^"]*)"`).exec(line)?.[1] ?? '';
  const labels = ['destination_name', 'handler', 'outcome', 'reason'].map(label);
  return `${labels.filter((value) => value !== '').join(' ')}: ${line.split(' ').at(-1)}`;
}
