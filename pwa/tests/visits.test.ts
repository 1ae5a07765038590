import { describe, expect, it } from 'vitest'
import { mostItems, mostPeople, visitMinutes } from '../shared/visits'

const matter = (minutes: number, extra_minutes: number, max_items = 3, max_people = 4) => ({ booking: { minutes, extra_minutes, max_items, max_people } })

describe('one visit', () => {
  it('adds the matters, and the extra minutes of each further person', () => {
    expect(visitMinutes([matter(15, 10)], 1)).toBe(15)
    expect(visitMinutes([matter(15, 10)], 3)).toBe(35)
    expect(visitMinutes([matter(15, 10), matter(20, 0)], 2)).toBe(45)
  })
  it('is limited by its strictest matter, and never more than the server takes', () => {
    expect(mostItems([matter(15, 0, 3), matter(15, 0, 2)])).toBe(2)
    expect(mostItems([matter(15, 0, 10)])).toBe(5)
    expect(mostPeople([matter(15, 0, 3, 4), matter(15, 0, 3, 1)])).toBe(1)
  })
})
