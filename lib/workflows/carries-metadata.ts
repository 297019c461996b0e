import type { Codec } from '../core/codecs/codec.js';
import { WORKFLOW } from '../core/workflow-place.js';

/** Whether steps, which are known by their metadata, can be written with this codec. */
export function carriesMetadata(codec: Codec): boolean {
  const metadata = { [WORKFLOW]: 'x' };
  try {
    const fields = codec.encode({ stream: 's', eventType: 'e', payload: { p: '1' }, metadata });
    return codec.decode(fields).metadata?.[WORKFLOW] === 'x';
  } catch {
    // One that is particular about payloads: what it says to a real one will show.
    return true;
  }
}
