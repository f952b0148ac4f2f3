/** What jobs that name none belong to. */
export const DEFAULT_USER = 'default';
export const DEFAULT_ACCOUNT = 'default';
export const DEFAULT_QOS = 'normal';
