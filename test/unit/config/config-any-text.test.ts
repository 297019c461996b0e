import { array, assert, constantFrom, oneof, property, string, tuple } from 'fast-check';
import { InvalidConfigError, loadConfig } from 'nestjs-redis-streams/config';
import { it } from 'vitest';
import { writeFileSync } from 'node:fs';
import { configFile } from '../../support/config-file.js';

const SECRET = 'Xq7Hunter2Secret';

/** Words and signs of which files are made, rightly and wrongly. */
const piece = constantFrom(
  ...['slots', 'message_source', 'behavior', 'driver', 'redis', 'memory', 'config', 'password'],
  ...['url', 'topic', 'max_retries', 'consumers', 'name', 'lag', 'thresholds', 'routes', 'commits'],
  ...[':', ': ', ' ', '\n', '\n  ', '\n    ', '- ', '{', '}', '[', ']', ',', '"', "'", '#', '|'],
  ...['&a ', '*a', '<<', '!x ', '? ', '${', '}', '$', '\t', '~', '0', '-1', 'true', '5s', '---\n'],
  ...['__proto__', 'constructor', 'toString', SECRET, `${SECRET}: `, `"${SECRET}"`],
);
const garbage = array(piece, { maxLength: 40 }).map((pieces) => pieces.join(''));

/** A file with a value at each place, of which one is the secret where it must not be. */
const broken = tuple(
  constantFrom('topic', 'max_retries', 'auto_commit', 'backoff', 'idempotency_window', 'lag'),
  constantFrom(SECRET, `{ ${SECRET}: 1 }`, `[${SECRET}]`, `{ a: ${SECRET} }`, `"${SECRET}`),
  constantFrom('host', 'port', 'address', 'tls', 'cluster', 'url', 'sentinels', 'nothing'),
  constantFrom(SECRET, `{ a: [${SECRET}] }`, `redis://${SECRET}`, `- ${SECRET}`, '${A'),
).map(
  ([option, value, key, config]) =>
    `slots:\n  message_source:\n    driver: redis\n    config:\n      ${key}: ${config}\nbehavior:\n  ${option}: ${value}\n`,
);

/** The secret in a key that is followed by a value: that is a name, and may be shown. */
const NAME = new RegExp(`${SECRET}[^\\n:,{}[\\]]*:\\s*[^\\s},\\]]`);

/** Fails where loading throws anything but the typed error, or where that shows a value. */
function loads(file: string, text: string): void {
  writeFileSync(file, text);
  try {
    loadConfig(file);
  } catch (error) {
    if (!(error instanceof InvalidConfigError)) throw error;
    const shown = `${error.message} ${JSON.stringify(error.problems)} ${error.stack}`;
    if (shown.includes(SECRET) && !NAME.test(text)) {
      throw new Error(`shows a value: ${error.message}`, { cause: error });
    }
  }
}

it('any text is a file or gets the one error, which shows no value', () => {
  const file = configFile('');
  assert(
    property(oneof(garbage, string(), broken), (text) => loads(file, text)),
    {
      numRuns: 400,
    },
  );
});
