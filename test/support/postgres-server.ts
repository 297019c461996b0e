/** Private servers for tests that stop, freeze or configure them. Others take `testPostgres()`. */
export {
  type PostgresServer,
  startPostgres,
  type StartPostgresOptions,
} from './postgres-process.js';
