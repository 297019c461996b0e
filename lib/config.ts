export { loadConfig, type LoadConfigOptions } from './config/load-config.js';
export type {
  ConfigDrivers,
  ConfigSchema,
  DriverWithSchema,
  SchemaIssue,
  SchemaResult,
} from './config/config-drivers.js';
export { InvalidConfigError, type ConfigProblem } from './core/errors/config.errors.js';
