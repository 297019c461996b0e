import { readFileSync } from 'node:fs';
import { Logger } from '@nestjs/common';
import { until } from './until.js';

const quotes = new URL('../../sample/docs/troubleshooting/', import.meta.url);

/** What differs from run to run, and what tests make smaller: ids, addresses, times, counts. */
const VARYING: readonly (readonly [RegExp, string])[] = [
  [/\b\d{13}-\d+\b/g, '<id>'],
  // Of NATS.
  [/\b\d{16}\b/g, '<id>'],
  [/\b127\.0\.0\.1:\d+/g, '<address>'],
  [/\bin process \d+ on \S+:/g, 'in process <pid>:'],
  // What is said of a broken connection depends on what was under way.
  [/(?<=while serving \w+): .+?(?=\.(?: The command|$))/g, ''],
  [/\b\d+ ms\b/g, '<time>'],
  [/\b\d+(\.\d)? s\b/g, '<time>'],
  [/\b\d+ messages (?=wait|behind|of stream)/g, '<n> messages '],
  [/(?<=its limit is )\d+/g, '<n>'],
];
const constant = (text: string): string =>
  VARYING.reduce((changed, [pattern, name]) => changed.replaceAll(pattern, name), text).trim();

/** The line that the page on troubleshooting quotes from `<name>.txt`, without what differs. */
export const quoted = (name: string): string =>
  constant(readFileSync(new URL(`${name}.txt`, quotes), 'utf8'));

/** An error as the page quotes it. */
export const shown = ({ code, message }: { code?: unknown; message: string }): string =>
  constant(`${String(code)}: ${message}`);

/** Keeps what Nest's logger is given, as `WARN [Streams] text`. */
export class RecordedLog {
  private said: string[] = [];

  /** Applications that are made with `logger: false` silence the log. */
  record(): void {
    const write =
      (level: string) =>
      (text: unknown, ...more: unknown[]) =>
        void this.said.push(constant(`${level} [${String(more.at(-1))}] ${String(text)}`));
    Logger.overrideLogger({ log: write('LOG'), warn: write('WARN'), error: write('ERROR') });
  }

  /** Waits for the line that the page quotes. */
  async says(name: string): Promise<void> {
    const line = quoted(name);
    const said = (): string => this.said.join('\n');
    await until(`the line "${line}"`, () => this.said.includes(line), undefined, said);
  }

  clear(): void {
    this.said = [];
  }
}
