import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  InvalidConfigError,
  loadConfig,
  type LoadConfigOptions,
} from 'nestjs-redis-streams/config';
import type { StreamsModuleOptions } from 'nestjs-redis-streams';
import { onTestFinished } from 'vitest';

/** A file of configuration with this text, until the test has finished. */
export function configFile(text: string): string {
  const dir = mkdtempSync(join(tmpdir(), 'streams-config-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  const file = join(dir, 'consumer.yaml');
  writeFileSync(file, text);
  return file;
}

/** Loads a file with this text. */
export const loaded = (
  text: string,
  consumer?: string,
  options?: LoadConfigOptions,
): StreamsModuleOptions => loadConfig(configFile(text), consumer, options);

/** The lines of the error, without the name of the file. Empty where the file is right. */
export function mistakesIn(text: string, consumer?: string, options?: LoadConfigOptions): string[] {
  const file = configFile(text);
  try {
    loadConfig(file, consumer, options);
    return [];
  } catch (error) {
    if (!(error instanceof InvalidConfigError)) throw error;
    const lines = error.message.split('\n').slice(1, -1);
    return lines.map((line) => line.replace(`- ${file}`, '').replace(/^[: ]/, ''));
  }
}

/** Sets variables of the environment until the test has finished. */
export function withVariables(variables: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(variables)) {
    const before = process.env[name];
    process.env[name] = value;
    onTestFinished(() => {
      if (before === undefined) delete process.env[name];
      else process.env[name] = before;
    });
  }
}
