import { createRequire } from 'node:module';
import { promisify } from 'node:util';
import zlib from 'node:zlib';
import type * as kafkajs from 'kafkajs';
import { MissingPackageError } from '../../../core/errors/start-up.errors.js';
import type { CompletedKafkaOptions } from './kafka.options.js';

/** The package `kafkajs`. */
export type KafkaJS = typeof kafkajs;

const USER = 'The Kafka driver';

/**
 * Loads `kafkajs`: an optional peer dependency, so nothing may load it before a driver is opened.
 * @throws MissingPackageError
 */
export async function loadKafkaJS(
  load = (): Promise<KafkaJS> => import('kafkajs'),
): Promise<KafkaJS> {
  try {
    const module = await load();
    // Node finds only some names of this CommonJS module, and bundlers none: its default has all.
    return 'default' in module ? (module.default as KafkaJS) : module;
  } catch (error) {
    throw missing('kafkajs', error);
  }
}

/**
 * Looks for `kafkajs` without loading it, so that a driver without it is refused when it is opened. In
 * a bundle the package may be a part of the bundle: there only loading tells.
 * @param place the file that would load the package
 * @throws MissingPackageError
 */
export function ensureKafkaJS(place: string = import.meta.url): void {
  if (!/\/connection\/kafkajs-package\.[jt]s$/.test(place)) return;
  try {
    createRequire(place).resolve('kafkajs');
  } catch (error) {
    throw missing('kafkajs', error);
  }
}

type Compression = CompletedKafkaOptions['compression'];
type Codec = () => {
  compress(encoder: Encoded): Promise<Buffer>;
  decompress(bytes: Buffer): Promise<Buffer>;
};
interface Encoded {
  readonly buffer: Buffer;
}

/** Where codecs come from that `kafkajs` lacks. Each makes the codec of what its package exports. */
const PACKAGES = {
  snappy: { name: 'kafkajs-snappy', make: (exported: unknown) => exported as Codec },
  lz4: {
    name: 'kafkajs-lz4',
    make: (exported: unknown) => new (exported as new () => { codec: Codec })().codec,
  },
  zstd: { name: '@kafkajs/zstd', make: (exported: unknown) => (exported as () => Codec)() },
} as const;

/** The numbers of compressions in records. `CompressionTypes` of kafkajs has the same. */
const TYPES = { none: 0, gzip: 1, snappy: 2, lz4: 3, zstd: 4 } as const;

/** The number of a compression, as kafkajs takes it. */
export const compressionType = (compression: Compression): number => TYPES[compression];

/**
 * Registers the codecs that are installed, so that messages of other programs can be read. One that
 * the application has registered stays.
 * @param needed the codec with which this driver writes
 * @throws MissingPackageError where that one is missing
 */
export async function registerCodecs(
  { CompressionCodecs }: Pick<KafkaJS, 'CompressionCodecs'>,
  needed: Compression,
): Promise<void> {
  const codecs = CompressionCodecs as unknown as Record<number, Codec | undefined>;
  for (const name of ['snappy', 'lz4', 'zstd'] as const) {
    // kafkajs itself has functions there that throw.
    if (!isRegistered(codecs[TYPES[name]])) {
      const codec = await codecOf(name, name === needed);
      if (codec) codecs[TYPES[name]] = codec;
    }
  }
}

const isRegistered = (codec: Codec | undefined): boolean => {
  try {
    return codec?.() !== undefined;
  } catch {
    return false;
  }
};

async function codecOf(name: keyof typeof PACKAGES, isNeeded: boolean): Promise<Codec | undefined> {
  if (name === 'zstd' && zstdCompress) return nodeZstd;
  const { name: packageName, make } = PACKAGES[name];
  try {
    const module = (await import(packageName)) as { default?: unknown };
    return make(module.default ?? module);
  } catch (error) {
    if (isNeeded) throw missing(packageName, error, `The option compression: '${name}'`);
    return undefined;
  }
}

type Done = (error: Error | null, result: Buffer) => void;
type Work = (bytes: Buffer, done: Done) => void;
const { zstdCompress, zstdDecompress } = zlib as { zstdCompress?: Work; zstdDecompress?: Work };

/** zstd of Node itself, from 22.15 on. */
const nodeZstd: Codec = () => ({
  compress: ({ buffer }) => promisify(zstdCompress!)(buffer),
  decompress: (bytes) => promisify(zstdDecompress!)(bytes),
});

/** Codes of `import`, and of the `require` that bundlers write in its place. */
const NOT_FOUND: readonly (string | undefined)[] = ['ERR_MODULE_NOT_FOUND', 'MODULE_NOT_FOUND'];

/** The same error where the package is installed and lacks a package itself. */
function missing(name: string, error: unknown, user = USER): unknown {
  const isMissing =
    error instanceof Error &&
    NOT_FOUND.includes((error as NodeJS.ErrnoException).code) &&
    error.message.includes(`'${name}'`);
  return isMissing ? new MissingPackageError(name, user, error) : error;
}
