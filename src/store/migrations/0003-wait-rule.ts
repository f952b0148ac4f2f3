/** What a job waits for where that is more than the ends of other jobs, as JSON: `{isAnyEnough, dependencies}`; NULL for all others. */
export const WAIT_RULE_0003 = `
ALTER TABLE jobs ADD COLUMN wait_rule TEXT;
`;
