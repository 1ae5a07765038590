/** How long one visit takes. */
export interface Lengths { booking: { minutes: number; extra_minutes: number; max_items: number; max_people: number } }

const API_MOST_ITEMS = 5

/** Minutes at the window: every matter for the first person, and its extra minutes for each further one. */
export const visitMinutes = (items: Lengths[], people: number): number =>
  items.reduce((total, { booking }) => total + booking.minutes + booking.extra_minutes * (people - 1), 0)

/** How many matters one visit takes: the strictest of them decides. */
export const mostItems = (items: Lengths[]): number => Math.min(API_MOST_ITEMS, ...items.map((one) => one.booking.max_items))

/** How many people one visit takes: the strictest matter decides. */
export const mostPeople = (items: Lengths[]): number => Math.min(...items.map((one) => one.booking.max_people))
