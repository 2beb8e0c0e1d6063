"""Write the page of one category: its photographs, matches and meshes, to be clicked."""

from pipeline.base.exclusive import exclusive
from pipeline.base.files import write_text
from pipeline.gallery.category import category_page
from stages.arguments import parse_category, run_stage


def main() -> None:
    workspace, category = parse_category(__doc__)
    with exclusive(workspace.lock("gallery", category)):
        write_text(workspace.page(category), category_page(workspace, category))
        print(f"gallery {category}: {workspace.page(category)}")


if __name__ == "__main__":
    run_stage(main)
