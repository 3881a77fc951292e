// How tabs and what they show name each other in the page. A key may hold any value of a variable, an id no space.

// Half of a character cannot be written in an id.
const whole = (key: string): string => key.replace(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, '\ufffd');

export const tabOf = (key: string): string => `tab-${encodeURIComponent(whole(key))}`;
export const pageOf = (key: string): string => `tabpage-${encodeURIComponent(whole(key))}`;
