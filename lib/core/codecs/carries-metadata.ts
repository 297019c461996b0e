import type { Codec } from './codec.js';
import { WORKFLOW } from '../workflow.js';

/** Whether this codec carries metadata. Steps of workflows and trace headers need it. */
export function carriesMetadata(codec: Codec): boolean {
  const metadata = { [WORKFLOW]: 'x' };
  try {
    const fields = codec.encode({ stream: 's', eventType: 'e', payload: { p: '1' }, metadata });
    return codec.decode(fields).metadata?.[WORKFLOW] === 'x';
  } catch {
    // A codec may refuse this test payload. Publishing a real payload will show its error.
    return true;
  }
}
