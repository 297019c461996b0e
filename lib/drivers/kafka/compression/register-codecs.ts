import type { Codec, CodecPackage } from './codec.js';
import { LZ4 } from './lz4.codec.js';
import { missingPackage } from './missing-package.js';
import { SNAPPY } from './snappy.codec.js';
import { ZSTD } from './zstd.codec.js';

/** How batches can be compressed. Their numbers are those of records, and of kafkajs. */
export const COMPRESSIONS = { none: 0, gzip: 1, snappy: 2, lz4: 3, zstd: 4 } as const;
export type Compression = keyof typeof COMPRESSIONS;

/** Those that kafkajs has no codec for. */
type Added = 'snappy' | 'lz4' | 'zstd';
const ADDED: readonly Added[] = ['snappy', 'lz4', 'zstd'];
const PACKAGES: Readonly<Record<Added, CodecPackage>> = { snappy: SNAPPY, lz4: LZ4, zstd: ZSTD };

/** A codec as kafkajs takes it. */
type KafkajsCodec = () => {
  compress(encoder: { readonly buffer: Buffer }): Promise<Buffer>;
  decompress(bytes: Buffer): Promise<Buffer>;
};

/**
 * Gives kafkajs codecs that load their packages when they are used first, so that messages of other
 * programs can be read. A codec that the application has registered stays.
 * @param needed the codec with which this driver writes: it is loaded now
 * @param packages where to get the codecs that kafkajs does not have
 * @throws MissingPackageError where the package of that one is not installed
 */
export async function registerCodecs(
  { CompressionCodecs: codecs }: { readonly CompressionCodecs: object },
  needed: Compression,
  packages = PACKAGES,
): Promise<void> {
  const registered = codecs as Record<number, KafkajsCodec | undefined>;
  for (const name of ADDED) {
    if (isOfApplication(registered[COMPRESSIONS[name]])) continue;
    registered[COMPRESSIONS[name]] = OURS[name];
    if (name === needed) await load(name, `The option compression: '${name}'`, packages[name]);
  }
}

const lazily = (name: Added): KafkajsCodec => {
  const user = `A message that is compressed with ${name}`;
  const codec = {
    compress: async ({ buffer }: { readonly buffer: Buffer }) =>
      (await load(name, user)).compress(buffer),
    decompress: async (bytes: Buffer) => (await load(name, user)).decompress(bytes),
  };
  return () => codec;
};

const OURS = { snappy: lazily('snappy'), lz4: lazily('lz4'), zstd: lazily('zstd') };

/** kafkajs itself has functions there that throw. */
function isOfApplication(codec: KafkajsCodec | undefined): boolean {
  if (codec === undefined || Object.values(OURS).includes(codec)) return false;
  try {
    return codec() !== undefined;
  } catch {
    return false;
  }
}

const loaded = new Map<Added, Promise<Codec>>();

async function load(name: Added, user: string, from = PACKAGES[name]): Promise<Codec> {
  let loading = loaded.get(name);
  if (!loading) loaded.set(name, (loading = from.load()));
  try {
    return await loading;
  } catch (error) {
    loaded.delete(name);
    throw missingPackage(from.name ?? name, error, user);
  }
}
