import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { text } from '../core/option-schema/kinds.js';
import { refuse } from '../core/option-schema/refuse.js';
import { declareOptions } from '../core/option-schema/shape.js';
import type { StreamsModuleOptions } from '../nest/module/streams.module.js';
import type { ConfigDrivers } from './config-drivers.js';
import { namedConfigDrivers } from './driver-configs.js';
import { Findings } from './findings.js';
import { loadYaml } from './load-yaml.js';
import { consumerIn } from './consumers-of-file.js';
import { YamlFile } from './yaml-file.js';

const ARGUMENTS = declareOptions('loadConfig', {
  /** Path of the file. */
  file: text('the path of a file').required(),
  /** Name of a consumer of the file. */
  consumer: text('the name of a consumer'),
});

const LOAD_CONFIG_OPTIONS = declareOptions('loadConfig', {
  /** Drivers of other packages, by the names that the file calls them by. @default none */
  drivers: namedConfigDrivers,
});

/** How a file is read. */
export interface LoadConfigOptions {
  /** Drivers of other packages, by the names that the file calls them by. @default none */
  readonly drivers?: ConfigDrivers | undefined;
}

/**
 * Reads the options of a module from a YAML file: docs/configuration.md.
 *
 * ```ts
 * StreamsModule.forRoot(loadConfig('consumer-config.yaml', 'order-processor'))
 * ```
 *
 * @param file path, from the working directory of the process
 * @param consumer name of a consumer of the file. May be left out where the file has one
 * @throws InvalidConfigError naming every mistake with its line, InvalidOptionsError where an argument is
 * wrong, and MissingPackageError where the package `yaml` is not installed
 */
export function loadConfig(
  file: string,
  consumer?: string,
  options: LoadConfigOptions = {},
): StreamsModuleOptions {
  refuse(ARGUMENTS.problems({ file, consumer }), LOAD_CONFIG_OPTIONS.problems(options));
  const { drivers = {} } = options;
  const yaml = loadYaml();
  const findings = new Findings(file);
  const node = new YamlFile(yaml, textOf(file, findings), findings).read();
  const loaded = node && consumerIn(node, consumer, { drivers, variables: process.env, findings });
  findings.raise();
  return loaded!;
}

function textOf(file: string, findings: Findings): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const { code = 'unknown' } = error as NodeJS.ErrnoException;
    findings.add(undefined, '', `cannot be read (${code}): looked for ${resolve(file)}`);
    findings.raise();
    throw error;
  }
}
