import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { startedOnPort } from './free-port.js';
import { onPath } from './redis-process.js';
import { ServerProcess } from './server-process.js';

/** Why there is no Prometheus; undefined where there is one. */
export const missingPrometheus = (): string | undefined =>
  onPath('prometheus') && onPath('promtool')
    ? undefined
    : 'there is no prometheus: apt-get install prometheus';

/** What Prometheus scrapes, and the alerts that it watches. */
export interface PrometheusOptions {
  /** `127.0.0.1:9464` */
  readonly target: string;
  /** Path of a file of rules. */
  readonly rules: string;
}

/** One row of the answer to a query. */
export interface Row {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [time: number, value: string];
}

/** A private Prometheus on loopback, which scrapes every second. */
export class Prometheus extends ServerProcess {
  constructor(
    port: number,
    dir: string,
    private readonly options: PrometheusOptions,
  ) {
    super(port, dir, {
      program: 'prometheus',
      readyText: 'Server is ready to receive web requests',
      readyWithin: 30_000,
    });
  }

  /** Starts it, and ends it when the test has finished. */
  static async started(options: PrometheusOptions): Promise<Prometheus> {
    const dir = await mkdtemp(join(tmpdir(), 'streams-prometheus-'));
    const server = await startedOnPort((port) => new Prometheus(port, dir, options));
    onTestFinished(() => server.stop());
    return server;
  }

  override async prepare() {
    const { target, rules } = this.options;
    const config = join(this.dir, 'prometheus.yml');
    await writeFile(
      config,
      JSON.stringify({
        global: { scrape_interval: '1s', evaluation_interval: '1s' },
        rule_files: [rules],
        scrape_configs: [{ job_name: 'streams', static_configs: [{ targets: [target] }] }],
      }),
    );
    return {
      command: 'prometheus',
      args: [
        `--config.file=${config}`,
        `--storage.tsdb.path=${join(this.dir, 'data')}`,
        `--web.listen-address=127.0.0.1:${this.port}`,
      ],
    };
  }

  /** The rows of this moment. @throws Error with the answer of Prometheus where the query is wrong */
  async query(query: string): Promise<Row[]> {
    const url = new URL(`http://127.0.0.1:${this.port}/api/v1/query`);
    url.searchParams.set('query', query);
    const answer = (await (await fetch(url)).json()) as {
      readonly status: string;
      readonly data?: { readonly result: Row[] };
    };
    if (answer.status !== 'success') throw new Error(`${query}: ${JSON.stringify(answer)}`);
    return answer.data!.result;
  }

  /** The names of the alerts that fire now. */
  async firing(): Promise<string[]> {
    const rows = await this.query('ALERTS{alertstate="firing"}');
    return [...new Set(rows.map(({ metric }) => metric['alertname']!))].sort();
  }
}
