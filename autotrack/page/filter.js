// How texts and keys are spelt in a filter.

/** A text. */
export const text = (value) => `'${value.replaceAll("'", "''")}'`;

/** A key: bare where the grammar allows that. */
export const key = (name) => (/^[\w./:@-]+$/.test(name) ? name : `\`${name.replaceAll("`", "``")}\``);

/** A condition that one of some texts meets. */
export const among = (field, texts) => `${field} IN (${texts.map(text).join(", ")})`;

/** A filter that holds where both do. */
export const both = (one, other) => (one.trim() && other ? `(${one}) AND ${other}` : one.trim() || other);
