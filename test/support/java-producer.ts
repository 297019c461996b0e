import { execFile, spawnSync } from 'node:child_process';
import { promisify } from 'node:util';
import { fileURLToPath } from 'node:url';
import type { SuiteOptions } from 'vitest';
import { classPath, javaProgram, kafkaFiles } from './kafka-jars.js';
import { needsOwnKafka } from './kafka.js';

const run = promisify(execFile);
const PROGRAM = fileURLToPath(new URL('kafka/JavaProducer.java', import.meta.url));
const OPTIONS = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-Xmx128m'];

/** Options of a `describe` whose tests need Java with its compiler, and the jars of Kafka. */
export function needsJava(): SuiteOptions {
  const needs = needsOwnKafka();
  if (needs.skip) return needs;
  const { stdout } = spawnSync(javaProgram() ?? 'java', ['--list-modules'], { encoding: 'utf8' });
  return stdout?.includes('jdk.compiler')
    ? {}
    : { skip: true, meta: { notRun: 'this Java has no compiler' } };
}

/**
 * Sends messages with Kafka's own client, as programs in Java and Spring do.
 * @param topics how they are compressed is the end of their names: `orders-lz4`
 */
export async function produceWithJava(
  brokers: readonly string[],
  count: number,
  topics: readonly string[],
): Promise<void> {
  const classes = ['-cp', classPath(kafkaFiles().libs)];
  const args = [brokers.join(','), String(count), ...topics];
  await run(javaProgram() ?? 'java', [...OPTIONS, ...classes, PROGRAM, ...args]);
}
