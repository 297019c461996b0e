// @ts-check
import { existsSync, readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { onPath } from './redis-process.js';

/** The broker that the tests run on. */
export const KAFKA_VERSION = '4.4.0';

/**
 * What ensure-kafka.js has made, outside of the repository, for all its copies.
 *
 * @typedef {object} KafkaFiles
 * @property {string} libs folder of the jars
 * @property {string} formatted what a formatted data folder of a broker holds
 * @property {string} classes archive of the classes of a broker that has started, which halves the time
 * of a start; may be missing
 */

/**
 * @param {string} [folder] default that of the version
 * @returns {KafkaFiles}
 */
export function kafkaFiles(folder = kafkaFolder()) {
  return {
    libs: join(folder, 'libs'),
    formatted: join(folder, 'formatted'),
    classes: join(folder, 'classes.jsa'),
  };
}

export function kafkaFolder() {
  const cache = process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache');
  return join(cache, 'nestjs-redis-streams', 'kafka', KAFKA_VERSION);
}

/** All jars by name: an archive of classes fits one order of them only. @param {string} libs */
export function classPath(libs) {
  const jars = readdirSync(libs).filter((name) => name.endsWith('.jar'));
  return jars
    .sort()
    .map((name) => join(libs, name))
    .join(delimiter);
}

/** The program of Java: that of JAVA_HOME, else the one on PATH. @returns {string | undefined} */
export function javaProgram() {
  const home = process.env['JAVA_HOME'];
  const ofHome = home ? join(home, 'bin', 'java') : '';
  if (ofHome !== '' && existsSync(ofHome)) return ofHome;
  return onPath('java') ? 'java' : undefined;
}

/**
 * Why tests cannot start brokers.
 *
 * @returns {string | undefined} `undefined` where they can
 */
export function missingKafka() {
  if (javaProgram() === undefined) return 'there is no java';
  if (existsSync(kafkaFolder())) return undefined;
  return `there is no Kafka ${KAFKA_VERSION}: npm test gets it where there are Java and Maven`;
}

/** The brokers that KAFKA_BROKERS names: `host:port`, with commas between. @returns {string[] | undefined} */
export function givenBrokers() {
  const given = (process.env['KAFKA_BROKERS'] ?? '').split(',').map((broker) => broker.trim());
  const brokers = given.filter((broker) => broker !== '');
  return brokers.length > 0 ? brokers : undefined;
}
