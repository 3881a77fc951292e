// How tabs and what they show name each other in the page. A key may hold any value of a variable, an id no space.

export const tabOf = (key: string): string => `tab-${encodeURIComponent(key)}`;
export const pageOf = (key: string): string => `tabpage-${encodeURIComponent(key)}`;
