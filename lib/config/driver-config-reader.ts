import { nested } from '../core/option-schema/kinds.js';
import type { AnyOption } from '../core/option-schema/option.js';
import { NAMED_DRIVER_OPTIONS } from '../options/slots-options.js';
import { BROKEN } from './assignments.js';
import type { ConfigDrivers } from './config-drivers.js';
import { checkByDriver, checkBySchema } from './driver-check.js';
import { checkFor } from './driver-configs.js';
import type { FileNode } from './file-node.js';
import type { Findings } from './findings.js';
import type { OptionReader } from './option-reader.js';

interface ConfigContext {
  readonly drivers: ConfigDrivers;
  readonly findings: Findings;
  readonly reader: OptionReader;
}

/** Reads the options of the driver that a slot names, and lets the driver check them. */
export function readDriverConfig(
  driver: unknown,
  node: FileNode,
  path: string,
  { drivers, findings, reader }: ConfigContext,
): unknown {
  const check = checkFor(driver, drivers);
  if (check?.by === 'declaration') {
    const { shape } = check;
    return reader.read(nested(shape) as AnyOption, node, path);
  }
  const config = reader.read(NAMED_DRIVER_OPTIONS.options.config as AnyOption, node, path);
  if (config === BROKEN || !check) return config;
  const read = { driver: driver as string, config: config as object, node, path };
  return check.by === 'schema'
    ? checkBySchema(check.schema, read, findings)
    : checkByDriver(check.make, read, findings);
}
