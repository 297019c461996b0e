export { loadConfig, type LoadConfigOptions } from './config/load-config.js';
export type { ConfigDrivers, DriverWithSchema } from './config/driver-configs.js';
export type { ConfigSchema, SchemaIssue, SchemaResult } from './config/config-schema.js';
export { InvalidConfigError, type ConfigProblem } from './core/errors/config.errors.js';
