// @ts-check
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { aptInstall } from './apt.js';
import {
  givenBrokers,
  javaProgram,
  KAFKA_VERSION,
  kafkaFiles,
  kafkaFolder,
  missingKafka,
} from './kafka-jars.js';
import { formatWithJava, startKafka } from './kafka-process.js';
import { onPath } from './redis-process.js';

/** What Kafka asks for. */
const JAVA_FLOOR = 17;
/** For a broker to end and write its archive of classes: some seconds of a core. */
const ARCHIVE_WITHIN = 60_000;
const POM = fileURLToPath(new URL('kafka/pom.xml', import.meta.url));

/**
 * Makes sure that the tests can start Kafka brokers, by getting the jars with Maven, and installing Java
 * and Maven where that is possible without asking. Takes half a minute, once for a machine. Several test
 * runs may do so at once.
 *
 * @returns {Promise<string | undefined>} why tests of Kafka will not be run; what to do has been printed
 */
export async function ensureKafka() {
  if (missingKafka() !== undefined && hasTools()) await make();
  const missing = missingKafka();
  if (missing === undefined) {
    console.log(`kafka ${KAFKA_VERSION}, java ${javaVersion()}`);
    return undefined;
  }
  const brokers = givenBrokers();
  if (brokers) console.warn(`\nTests of Kafka that start brokers are not run: ${missing}.`);
  else console.warn(`\nTests of Kafka are not run: ${missing}.`);
  console.warn(
    `Install Java ${JAVA_FLOOR} or newer and Maven (https://maven.apache.org/), and run the`,
  );
  console.warn('tests again. KAFKA_BROKERS=host:port serves those that start no broker.');
  return missing;
}

/** Whether Java can run the broker, and Maven is there. Installs what is missing. */
function hasTools() {
  const lacking = [
    ...(javaProgram() === undefined ? ['java'] : []),
    ...(onPath('mvn') ? [] : ['maven']),
  ];
  if (lacking.length > 0) install(lacking);
  if (javaProgram() === undefined || !onPath('mvn')) return false;
  if (javaVersion() >= JAVA_FLOOR) return true;
  console.warn(`java is ${javaVersion()}, which cannot run Kafka ${KAFKA_VERSION}.`);
  return false;
}

/** The major version, as 17; 0 where it is not known. */
function javaVersion() {
  const { stderr } = spawnSync(javaProgram() ?? 'java', ['-version'], { encoding: 'utf8' });
  return Number(/version "(\d+)/.exec(stderr ?? '')?.[1] ?? 0);
}

/** @param {readonly string[]} tools */
function install(tools) {
  const [update] = aptInstall();
  if (update) {
    run(update, tools);
    const packages = tools.map((tool) => (tool === 'maven' ? 'maven' : aptJava()));
    run(aptInstall(...packages)[1] ?? [], packages);
  } else if (onPath('brew')) run(['brew', 'install', 'maven'], tools);
}

/** The package of a Java that can run the broker: the system's usual one, where it is not too old. */
function aptJava() {
  const { stdout } = spawnSync('apt-cache', ['policy', 'default-jre-headless'], {
    encoding: 'utf8',
  });
  const usual = Number(/Candidate: (?:\d+:)?1\.(\d+)/.exec(stdout ?? '')?.[1] ?? JAVA_FLOOR);
  return usual >= JAVA_FLOOR ? 'default-jre-headless' : `openjdk-${JAVA_FLOOR}-jre-headless`;
}

/** @param {readonly string[]} line @param {readonly string[]} missing */
function run([command = '', ...args], missing) {
  console.log(`${missing.join(', ')} missing; running: ${[command, ...args].join(' ')}`);
  spawnSync(command, args, { stdio: 'inherit' });
}

/** In a folder beside, so that none is found that is half made. */
async function make() {
  const began = Date.now();
  console.log(`kafka ${KAFKA_VERSION} is missing; running Maven`);
  mkdirSync(dirname(kafkaFolder()), { recursive: true });
  const folder = mkdtempSync(join(dirname(kafkaFolder()), 'making-'));
  try {
    const files = kafkaFiles(folder);
    if (!copyJars(files.libs)) return;
    formatOnce(folder, files);
    place(folder);
    await archiveClasses();
    console.log(`made in ${((Date.now() - began) / 1000).toFixed(0)} s: ${kafkaFolder()}`);
  } catch (error) {
    console.warn(String(error));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** @param {string} libs @returns {boolean} whether all jars are there */
function copyJars(libs) {
  const options = [
    `-Dkafka.version=${KAFKA_VERSION}`,
    '-DincludeScope=runtime',
    `-DoutputDirectory=${libs}`,
  ];
  const args = [
    '-q',
    '-B',
    '-Dstyle.color=never',
    '-f',
    POM,
    'dependency:copy-dependencies',
    ...options,
  ];
  return spawnSync('mvn', args, { stdio: 'inherit' }).status === 0;
}

/**
 * What each broker would have made anew otherwise, in a second: all but the broker's number.
 *
 * @param {string} folder
 * @param {import('./kafka-jars.js').KafkaFiles} files
 */
function formatOnce(folder, { libs, formatted }) {
  const properties = join(folder, 'format.properties');
  writeFileSync(
    properties,
    [
      'process.roles=broker,controller',
      'node.id=1',
      'listeners=PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093',
      'controller.listener.names=CONTROLLER',
      'controller.quorum.voters=1@127.0.0.1:9093',
      `log.dirs=${formatted}`,
    ].join('\n'),
  );
  formatWithJava({ java: javaProgram() ?? 'java', libs, properties });
  rmSync(join(formatted, 'meta.properties'));
}

/** @param {string} folder */
function place(folder) {
  try {
    renameSync(folder, kafkaFolder());
  } catch (error) {
    // Another test run was faster.
    if (!existsSync(kafkaFolder())) throw error;
  }
}

/** Has Java keep the classes of a broker: from where the jars lie at last, since it notes their paths. */
async function archiveClasses() {
  const { classes } = kafkaFiles();
  const beside = `${classes}.${process.pid}`;
  const broker = await startKafka({ java: [`-XX:ArchiveClassesAtExit=${beside}`] });
  // It writes the archive when it ends.
  await broker.end(ARCHIVE_WITHIN);
  await broker.remove();
  if (existsSync(beside)) renameSync(beside, classes);
}
