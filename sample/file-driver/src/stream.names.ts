import { InvalidMessageError } from 'nestjs-redis-streams/driver';

const END = '.jsonl';
/** Most file systems allow 255 bytes. */
const LONGEST = 200;

/**
 * The name of a stream as the name of a file: capitals and signs as %0041, so that `Orders` and
 * `orders` differ also where the file system does not tell capitals apart.
 * @throws InvalidMessageError for a name that is too long
 */
export function fileNameOf(stream: string): string {
  const name = stream.replaceAll(
    /[^a-z0-9_-]/g,
    (sign) => `%${sign.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  if (name.length <= LONGEST) return name + END;
  throw new InvalidMessageError(
    `The stream "${stream}" has a name of ${name.length} characters in the file system; the most is ${LONGEST}. Give it a shorter name.`,
  );
}

/** The stream of a file. Undefined: the driver did not make the file. */
export function streamOf(file: string): string | undefined {
  if (!file.endsWith(END)) return undefined;
  return file
    .slice(0, -END.length)
    .replaceAll(/%([0-9a-f]{4})/g, (_, code: string) =>
      String.fromCharCode(Number.parseInt(code, 16)),
    );
}
