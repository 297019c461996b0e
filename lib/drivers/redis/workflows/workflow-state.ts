/** Fields of the hash that is a workflow's state. */
export const BEGUN = 'begun';
export const CANCELLED = 'cancelled';
