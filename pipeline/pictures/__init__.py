"""Pictures put together from photographs and renderings: captions and sheets."""
